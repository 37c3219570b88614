/**
 * Hints: what a submission knows of a job that helps to choose among equals: how long it takes, and where its files are.
 *
 * Owns: the text that a row keeps of a hint, and the choice. Equals are jobs of one route and fairness key with the same
 * urgency, whose turns are in the same block: so no job is ever passed by one of a later block (C8), and what is looked
 * at is bounded, never a scan.
 */
import type { JobRow } from '../model/job.ts'
import type { Mount } from '../model/requirements.ts'
import { isNear } from './placement.ts'

/** What is known of a job. */
export interface Hint {
  /** How long it takes, or takes to read its files. 0: nobody knows. */
  readonly durationMs: number
  /** Where its files are. Empty: nobody knows. */
  readonly path: string
}

/** Width of a block in turns, and how many places of a line are looked at for one lease. */
export const BLOCK = 32

/** The text that a row keeps. */
export function hintText({ durationMs, path }: Hint): string {
  return `${durationMs} ${path}`
}

/** The hint of a row's text. */
function hintOf(text: string): Hint {
  const space = text.indexOf(' ')
  return { durationMs: Number(text.slice(0, space)), path: text.slice(space + 1) }
}

/** Whether a job may be chosen in place of the first of its line. */
export function isEqual(first: JobRow, other: JobRow): boolean {
  return (
    other.hint !== null &&
    other.rank === first.rank &&
    other.route === first.route &&
    other.fairKey === first.fairKey &&
    Math.floor(other.turn / BLOCK) === Math.floor(first.turn / BLOCK)
  )
}

/** Whether a job is to go before another that stands before it: it is longer, or as long and its files are nearer. */
export function isPreferred(job: JobRow, other: JobRow, mounts: readonly Mount[]): boolean {
  const [a, b] = [hintOf(job.hint as string), hintOf(other.hint as string)]
  if (a.durationMs !== b.durationMs) return a.durationMs > b.durationMs
  const isKnown = a.path !== '' && b.path !== '' && a.path !== b.path
  return isKnown && isNear(mounts, a.path) && !isNear(mounts, b.path)
}
