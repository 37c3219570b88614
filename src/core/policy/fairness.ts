/**
 * Start-time fair queueing: the tag that orders jobs of one priority within a queue.
 *
 * `turn = max(queue's turn, the key's last turn) + 1 / weight`. With one key this is first in, first out;
 * with many, a key with a million jobs cannot delay another's first.
 * Source: Goyal, Vin, Cheng, "Start-time Fair Queuing" (SIGCOMM 1996), with unit-sized packets.
 */
import type { JobRow } from '../model/job.ts'
import type { QueueRow, RouteRow } from '../model/rows.ts'
import { fairId } from '../model/rows.ts'
import type { View } from '../view.ts'

type Tables = Pick<View, 'queues' | 'fair'>

/** The fairness key of a job: its own, or its namespace. */
export function fairKeyOf(job: JobRow, route: RouteRow): number {
  return job.fairKey === 0 ? route.namespace : job.fairKey
}

/** Gives the next tag of a key of a queue, and remembers it. */
export function nextTurn(view: Tables, queue: number, key: number, weight: number): number {
  const last = view.fair.get(fairId(queue, key))?.turn ?? 0
  const turn = Math.max(queueOf(view, queue).turn, last) + 1 / weight
  view.fair.put({ queue, key, turn })
  return turn
}

/** Gives back the tag of a job that leaves its line without having been served: its key's next job is no later for it. */
export function returnTurn(view: Tables, queue: number, key: number, weight: number): void {
  const last = view.fair.get(fairId(queue, key))
  if (last === undefined) return
  const turn = last.turn - 1 / weight
  if (turn > queueOf(view, queue).turn) view.fair.put({ ...last, turn })
  else view.fair.remove(fairId(queue, key))
}

/** The virtual times that one command brings queues to; written once at its end. */
export class ServedTurns {
  readonly #turns = new Map<number, number>()

  /**
   * Advances a queue's virtual time to a tag that goes into service. A key whose last tag is passed by it is
   * forgotten, so that only keys with waiting jobs cost a row.
   */
  serve(view: Tables, queue: number, key: number, turn: number): void {
    const before = this.#turns.get(queue) ?? queueOf(view, queue).turn
    const now = Math.max(before, turn)
    this.#turns.set(queue, now)
    const last = view.fair.get(fairId(queue, key))
    if (last !== undefined && last.turn <= now) view.fair.remove(fairId(queue, key))
  }

  /** Writes the queues that moved. */
  write(view: Tables): void {
    for (const [queue, turn] of this.#turns) {
      const row = queueOf(view, queue)
      if (turn > row.turn) view.queues.put({ ...row, turn })
    }
  }
}

/** The row of a queue; one that was never written is open and at the beginning. */
export function queueOf(view: Pick<View, 'queues'>, queue: number): QueueRow {
  return view.queues.get(queue) ?? { id: queue, paused: 0, turn: 0 }
}
