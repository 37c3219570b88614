/**
 * The thread that renews leases; see `beats.ts`. It has a connection of its own and nothing else to do.
 */
import { randomUUID } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { Link } from '../../protocol/link.ts'
import type { ServerMessage } from '../../protocol/messages.ts'
import type { BeatChange, BeatNews, BeatSettings } from './beats.ts'
import { dial } from './dial.ts'

/** Three renewals in a term: two may be lost. */
const BEATS_PER_TERM = 3
const SHORTEST_INTERVAL_MS = 20

const { path, worker, leases } = workerData as BeatSettings
const terms = new Map(leases.map(({ token, termMs }) => [token, termMs]))
const instance = randomUUID()
let link: Link | undefined
let connecting = false
let beats = 0
let timer: NodeJS.Timeout | undefined
let intervalMs = 0

function tell(news: BeatNews): void {
  parentPort?.postMessage(news)
}

function onMessage(message: ServerMessage): void {
  if (message[0] !== 'reply') return
  const { lost } = message[2] as BeatNews
  for (const token of lost) terms.delete(token)
  if (lost.length > 0) tell({ lost })
}

async function connect(): Promise<void> {
  if (connecting) return
  connecting = true
  try {
    const dialled = await dial(path, instance, {
      onMessage,
      onClose: () => {
        link = undefined
      },
    })
    link = dialled.link
    if (terms.size > 0) beat()
  } catch {
    // The next beat tries again; the lease outlives a few of them.
  } finally {
    connecting = false
  }
}

function beat(): void {
  if (terms.size === 0) return
  if (link === undefined) void connect()
  else {
    beats += 1
    link.send(['beat', beats, worker, [...terms.keys()]])
  }
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
void connect()
