/**
 * Jobs of one enqueue, packed: an option set that many of them share travels once.
 *
 * Without it a submission of 10,000 tasks would carry the same environment 10,000 times, and would not fit
 * into a frame. Sharing is by identity, as callers build one option set and hand it to every job.
 */
import { malformed } from './json.ts'

/** Jobs whose `options` is the position of a shared option set. */
export interface PackedJobs {
  readonly jobs: readonly Readonly<Record<string, unknown>>[]
  readonly options: readonly unknown[]
}

interface WithOptions {
  readonly options?: unknown
}

/** Replaces the option sets of jobs by positions. */
export function packJobs(jobs: readonly WithOptions[]): PackedJobs {
  const positions = new Map<unknown, number>()
  const packed = jobs.map((job) => {
    if (job.options === undefined) return job as Readonly<Record<string, unknown>>
    let position = positions.get(job.options)
    if (position === undefined) {
      position = positions.size
      positions.set(job.options, position)
    }
    return { ...job, options: position }
  })
  return { jobs: packed, options: [...positions.keys()] }
}

/** Puts the option sets back; jobs that shared one share one object again. Throws PROTOCOL on a bad position. */
export function unpackJobs(packed: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>[] {
  const { jobs, options } = packed
  if (!Array.isArray(jobs) || !Array.isArray(options)) throw malformed('packed jobs', 'another value')
  return jobs.map((job: unknown) => {
    if (typeof job !== 'object' || job === null || Array.isArray(job))
      throw malformed('jobs as objects', 'another value')
    const position = (job as WithOptions).options
    if (position === undefined) return job as Readonly<Record<string, unknown>>
    if (typeof position !== 'number' || !Object.hasOwn(options, position)) {
      throw malformed('the position of an option set', JSON.stringify(position)?.slice(0, 40) ?? 'nothing')
    }
    return { ...job, options: options[position] as unknown }
  })
}
