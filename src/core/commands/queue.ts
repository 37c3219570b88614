/**
 * pause: closes or opens a queue for leasing. Jobs that run are not touched.
 */
import { queueOf } from '../policy/fairness.ts'
import { intern, type View } from '../view.ts'

export interface PauseCommand {
  readonly type: 'pause'
  readonly queue: string
  readonly paused: boolean
}

/** Answers whether anything changed. */
export function pause(view: Pick<View, 'names' | 'nextNameId' | 'queues'>, command: PauseCommand): boolean {
  const queue = queueOf(view, intern(view, 'queue', command.queue))
  const paused = command.paused ? 1 : 0
  if (queue.paused === paused) return false
  view.queues.put({ ...queue, paused })
  return true
}
