/**
 * settle: goes on with a cascade that was too long for one command.
 */
import { SETTLE_LINE } from '../model/line.ts'
import { type FinishTables, resume } from '../policy/finish.ts'

export interface SettleCommand {
  readonly type: 'settle'
  /** Ended jobs whose edges wait. Those that wait no more are left out. */
  readonly jobs: readonly number[]
  /** Jobs that are likely to be needed, nearest first: asked for at once, so that it stops for them once. */
  readonly ahead: readonly number[]
}

/** Settles edges of ended jobs, a bounded number. Answers with how many of these jobs it began. */
export function settle(view: FinishTables, { jobs, ahead }: SettleCommand, now: number): number {
  const needed = [...jobs, ...ahead]
  view.dependents.need(needed)
  view.jobs.need(needed)
  const waiting = jobs
    .map((id) => view.jobs.get(id))
    .filter((job) => job !== undefined)
    .filter(({ line }) => line === SETTLE_LINE)
  resume(view, waiting, now, needed.length)
  return waiting.length
}
