/**
 * settle: goes on with a cascade that was too long for one command.
 */
import { SETTLE_LINE } from '../model/line.ts'
import { type FinishTables, MOST_EDGES, resume } from '../policy/finish.ts'
import { needHead } from '../policy/heads.ts'
import type { View } from '../view.ts'

export interface SettleCommand {
  readonly type: 'settle'
  /** Jobs that are likely to be needed, nearest first: asked for at once, so that it stops for them once. */
  readonly ahead: readonly number[]
}

/** Settles edges of ended jobs whose edges wait, a bounded number. Answers with how many of these jobs it began. */
export function settle(
  view: FinishTables & Pick<View, 'headSize'>,
  { ahead }: SettleCommand,
  now: number,
): number {
  needHead(view, SETTLE_LINE, MOST_EDGES)
  view.dependents.need(ahead)
  view.jobs.need(ahead)
  const jobs = []
  const most = Math.min(MOST_EDGES, view.headSize(SETTLE_LINE))
  for (let position = 0; position < most; position++) {
    const job = view.jobs.get(view.lineAt(SETTLE_LINE, position) as number)
    if (job !== undefined && job.line === SETTLE_LINE) jobs.push(job)
  }
  resume(view, jobs, now, ahead.length)
  return jobs.length
}
