/**
 * Versions of workflows: which one a definition is, and how runs stay with workers that have it.
 *
 * Owns: where a version comes from. What holds a run to it is a label that its jobs ask for and its workers have; see
 * core/policy/placement.
 */
import { createHash } from 'node:crypto'
import { isVersion, VERSION_RULE, versionLabel } from '../core/model/requirements.ts'
import { invalidOption } from '../std/options.ts'

/** The options of versions. */
export interface VersionOptions {
  /**
   * Runs that are enqueued by this definition stay with workers of this version. `true`: a digest of the text of `run`; what it calls is
   * not in it. Default: the environment's PERDURE_VERSION; where there is none, every worker of the workflow takes every run.
   */
  readonly version?: string | true
  /** Versions whose runs this code can take up as well, since it keeps their path with `flow.patched`, or never left it. */
  readonly accepts?: readonly string[]
}

/** The names of {@link VersionOptions}. */
export const VERSION_OPTIONS = ['version', 'accepts'] as const

/** A version as a definition has it. */
export interface Versions {
  /** What its runs ask for; undefined where any worker will do. */
  readonly wanted: string | undefined
  /** What a worker that has the definition has. */
  readonly labels: readonly string[]
}

/** The characters of a digest that are enough to tell two texts apart. */
const DIGEST_LENGTH = 12

/** Reads the version of a workflow. */
export function readVersions(
  owner: string,
  kind: string,
  { version = process.env.PERDURE_VERSION, accepts = [] }: VersionOptions,
  code: (...args: never[]) => unknown,
): Versions {
  const own = version === true ? digestOf(code) : version === '' ? undefined : version
  if (!Array.isArray(accepts)) throw invalidOption(`${owner} accepts`, 'an array of versions', accepts)
  for (const each of own === undefined ? accepts : [own, ...accepts]) {
    if (!isVersion(each)) throw invalidOption(`${owner} version`, VERSION_RULE, each)
  }
  const label = (each: string): string => versionLabel(kind, each)
  return {
    wanted: own === undefined ? undefined : label(own),
    labels: [...(own === undefined ? [] : [own]), ...accepts].map(label),
  }
}

function digestOf(code: (...args: never[]) => unknown): string {
  return createHash('sha256').update(code.toString()).digest('hex').slice(0, DIGEST_LENGTH)
}
