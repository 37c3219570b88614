/**
 * The thread that renews leases; see `beats.ts`. It has a connection of its own and nothing else to do.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { BeatChange, BeatNews, BeatSettings } from './beats.ts'

/** Sends one renewal; whatever is lost is told to `onLost`. A beat that fails is followed by the next one. */
export type SendBeat = (tokens: readonly string[]) => void

/** Three renewals in a term: two may be lost. */
const BEATS_PER_TERM = 3
const SHORTEST_INTERVAL_MS = 20

const { target, worker, leases } = workerData as BeatSettings
const terms = new Map(leases.map(({ token, termMs }) => [token, termMs]))
let timer: NodeJS.Timeout | undefined
let intervalMs = 0

function onLost(lost: readonly string[]): void {
  for (const token of lost) terms.delete(token)
  const news: BeatNews = { lost }
  if (lost.length > 0) parentPort?.postMessage(news)
}

// each way loads only what it needs: a thread costs memory for every module
const send: SendBeat =
  target.type === 'socket'
    ? (await import('./socket-beat.ts')).socketBeat(target.path, worker, onLost)
    : (await import('./http-beat.ts')).httpBeat(target, worker, onLost)

function beat(): void {
  if (terms.size > 0) send([...terms.keys()])
}

/** Beats as often as the shortest term needs, and not at all while there is nothing to renew. */
function schedule(): void {
  let shortest = Number.POSITIVE_INFINITY
  for (const termMs of terms.values()) if (termMs < shortest) shortest = termMs
  const wanted =
    terms.size === 0 ? 0 : Math.max(SHORTEST_INTERVAL_MS, Math.min(shortest / BEATS_PER_TERM, 2 ** 30))
  if (wanted === intervalMs) return
  intervalMs = wanted
  clearInterval(timer)
  if (wanted > 0) timer = setInterval(beat, wanted)
}

parentPort?.on('message', (change: BeatChange) => {
  for (const { token, termMs } of change.added ?? []) terms.set(token, termMs)
  for (const token of change.removed ?? []) terms.delete(token)
  schedule()
})

schedule()
beat()
