/**
 * Heads of lines: asks for the rows of many entries at once, so that a command stops for them once at most.
 */
import type { View } from '../view.ts'

/** Throws one Absent that names every missing row among the first `count` entries of a line. */
export function needHead(
  view: Pick<View, 'jobs' | 'lineAt' | 'headSize'>,
  line: number,
  count: number,
): void {
  const ids: number[] = []
  const most = Math.min(count, view.headSize(line))
  for (let position = 0; position < most; position++) ids.push(view.lineAt(line, position) as number)
  view.jobs.need(ids)
}
