/**
 * Waiting lines: which there are, and how their numbers are made.
 *
 * A job stands in at most one line, at the place `(rank, turn, id)`. One ordered index in the store holds all
 * lines; the engine keeps the head of each in memory. Numbers are part of the stored format.
 */

/** In no line. */
export const NO_LINE = 0
/** Jobs that are not due; rank is the due time, turn the priority. */
export const DUE_LINE = 1
/** Leased jobs; there to find them again when a shard is opened. */
export const RUNNING_LINE = 2

/** Ended jobs whose edges wait to be settled: what is left of a long cascade. */
export const SETTLE_LINE = 3

const FIRST = 16

/** The line of ready jobs of a class (queue, kind, requirements); rank is the priority, turn the fairness tag. */
export function readyLine(classId: number): number {
  return FIRST + 2 * classId
}

/** The line of jobs that wait for a limit; rank and turn as in a ready line. */
export function limitLine(limitId: number): number {
  return FIRST + 1 + 2 * limitId
}

/** The class of a ready line, or 0 where it is another kind of line. */
export function classOfLine(line: number): number {
  return line >= FIRST && line % 2 === 0 ? (line - FIRST) / 2 : 0
}
