/**
 * Refusals: the one form in which the core says no. A refusal is a reply, not a throw: nothing was changed.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import { describeValue, nearestName } from '../../std/options.ts'
import type { JobRow } from './job.ts'
import { stateName } from './states.ts'

/** A verb met a state that does not allow it. The message names the state that it found. */
export function wrongState(verb: string, job: JobRow, allowed: string, fix: string): PerdureError {
  return perdureError('WRONG_STATE', {
    expected: `job ${job.id} to be ${allowed} for '${verb}'`,
    found: `state '${stateName(job.state)}'`,
    fix,
    data: { job: job.id, state: stateName(job.state), verb },
  })
}

/** There is no job of that id (any more). */
export function noSuchJob(id: number): PerdureError {
  return perdureError('NOT_FOUND', {
    expected: `a job with id ${id}`,
    found: 'none in this store',
    fix: 'List the jobs that exist; an ended job is deleted when its retention is over',
    data: { job: id },
  })
}

/** There is no state of that name; the nearest of those that there are is the one that was meant. */
export function unknownState(name: unknown, known: readonly string[]): PerdureError {
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined
  return perdureError('UNKNOWN_STATE', {
    expected: `one of ${known.join(', ')}`,
    found: describeValue(name),
    fix: nearest === undefined ? 'Use one of these' : `Did you mean ${nearest}?`,
  })
}
