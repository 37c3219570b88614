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

const { target, worker, batches } = workerData as BeatSettings

/** What is left of a batch: its text, until the first beat looks at it, and then its tokens. */
interface Batch {
  tokens: string | Set<string>
  readonly termMs: number
}

const held = new Map<number, Batch>(batches.map((batch) => [batch.number, batch]))
let timer: NodeJS.Timeout | undefined
let intervalMs = 0

/** Leases that have ended are lost as well, from here: the main thread, which ended them, knows the difference. */
function onLost(lost: readonly string[]): void {
  for (const batch of held.values())
    if (typeof batch.tokens !== 'string') for (const token of lost) batch.tokens.delete(token)
  const news: BeatNews = { lost }
  if (lost.length > 0) parentPort?.postMessage(news)
}

// each way loads only what it needs: a thread costs memory for every module
const send: SendBeat =
  target.type === 'socket'
    ? (await import('./socket-beat.ts')).socketBeat(target.path, worker, onLost)
    : (await import('./http-beat.ts')).httpBeat(target, worker, onLost)

function beat(): void {
  if (held.size === 0) {
    rest()
    return
  }
  const tokens: string[] = []
  for (const batch of held.values()) {
    if (typeof batch.tokens === 'string') batch.tokens = new Set(batch.tokens.split('\n'))
    tokens.push(...batch.tokens)
  }
  if (tokens.length > 0) send(tokens)
}

/** Nothing was left to renew for the length of an interval. */
function rest(): void {
  clearInterval(timer)
  intervalMs = 0
}

/** Beats as often as the shortest term needs. While nothing is held the old rhythm goes on until its next beat. */
function schedule(): void {
  let shortest = Number.POSITIVE_INFINITY
  for (const { termMs } of held.values()) if (termMs < shortest) shortest = termMs
  if (held.size === 0) return
  const wanted = Math.max(SHORTEST_INTERVAL_MS, Math.min(shortest / BEATS_PER_TERM, 2 ** 30))
  if (wanted === intervalMs) return
  intervalMs = wanted
  clearInterval(timer)
  timer = setInterval(beat, wanted)
}

parentPort?.on('message', ({ added, removed = [] }: BeatChange) => {
  if (added !== undefined) held.set(added.number, added)
  for (const number of removed) held.delete(number)
  schedule()
})

schedule()
beat()
