/**
 * Definitions: what is known of all jobs of a kind, checked once and frozen.
 *
 * Owns: the options of a definition and their checks. Never does: running (a worker does), nor the types of
 * handlers, which the layer above adds.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { readName } from '../core/policy/names.ts'
import { MOST_KEY, MOST_PRIORITY } from '../core/policy/sizes.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption, nonEmptyText, oneOf, wholeNumber, wrongUse } from '../std/options.ts'
import { readShared, SHARED_OPTIONS, type SharedOptions } from './profile-options.ts'
import type { ConflictPolicy, JobSpec, LimitUse, ProfileOptions } from './types.ts'

/** While a job with the same kind, queue and value counts, others are duplicates. */
export interface UniqueOptions<Value = never> {
  /** The value that must be unique, or how to make it from the input. Default: the whole input. */
  readonly by?: string | ((input: Value) => string)
  /** How long it counts: while the job is `live`, for `ever`, or for a time from the enqueue. Default `live`. */
  readonly for?: 'live' | 'ever' | Duration
  /** Default `use-existing`. */
  readonly onConflict?: ConflictPolicy
}

/** The options of a definition. `Value` is what the handler gets: the input as its schema made it. */
export interface DefinitionOptions<Value = never> extends SharedOptions {
  /** Checks the input at the enqueue; what is stored is what the schema makes of it. */
  readonly input?: StandardSchemaV1
  /** Checks the result before it is reported. */
  readonly output?: StandardSchemaV1
  /**
   * `both` stores the input as it was given and has the schema read it again before the handler is called,
   * for schemas that make what JSON cannot hold (dates). Default `enqueue`.
   */
  readonly check?: 'enqueue' | 'both'
  /** Default `default`. */
  readonly queue?: string
  /** Smaller runs first, -1e6 to 1e6; default 0. */
  readonly priority?: number
  /** Named bounds on how many jobs run at once, the same for all or made from the input. */
  readonly limits?: readonly LimitUse[] | ((input: Value) => readonly LimitUse[])
  /** Default: the namespace. */
  readonly fairKey?: string | ((input: Value) => string)
  /** True: the whole input, while the job is live. */
  readonly unique?: boolean | UniqueOptions<Value>
  readonly run?: (input: Value, context: never) => unknown
}

/** What is known of all jobs of a kind. The two types are those of `enqueue` and of `result()`. */
export interface JobDefinition<Input = unknown, Output = unknown> {
  readonly kind: string
  readonly queue: string
  /** The parts of a job that are the same for all of this kind. One object, so that it is recognised. */
  readonly base: JobSpec
  readonly options: ProfileOptions | undefined
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly check: 'enqueue' | 'both'
  readonly limits: ((input: never) => readonly LimitUse[]) | undefined
  readonly fairKey: ((input: never) => string) | undefined
  readonly unique: UniqueRule | undefined
  readonly run: ((input: never, context: never) => unknown) | undefined
  /** Types only; there is nothing here when the program runs. */
  readonly '~types'?: { readonly input: Input; readonly output: Output }
}

/** Uniqueness, read. */
export interface UniqueRule {
  readonly by: string | ((input: never) => string) | undefined
  readonly scope: 'live' | 'for' | 'ever'
  readonly forMs: number | undefined
  readonly onConflict: ConflictPolicy | undefined
}

/** The names of {@link DefinitionOptions}. */
export const DEFINITION_OPTIONS: readonly string[] = [
  ...['input', 'output', 'check', 'queue', 'priority', 'limits', 'fairKey', 'unique', 'run'],
  ...SHARED_OPTIONS,
]
const CONFLICT_POLICIES = ['use-existing', 'replace', 'refuse'] as const
const MOST_HOLDERS = 1_000_000_000

/**
 * What a definition is called in messages: `job("resize")`.
 *
 * @param word what makes it.
 * @param known the options that it may have.
 * @throws INVALID_NAME for what is no kind, INVALID_OPTION for options that are none.
 */
export function ownerOf(
  word: 'job' | 'workflow',
  kind: string,
  options: object,
  known: readonly string[] = DEFINITION_OPTIONS,
): string {
  const call = `${word}(${JSON.stringify(readName(`the kind of a ${word}`, kind))}`
  if (typeof options === 'function')
    throw wrongUse(`the options of ${call})`, 'an object', 'a function', `Write ${call}, { run: ... })`)
  checkKnown(`${call})`, options, known)
  return `${call})`
}

/** Refuses anything but what `job` or `workflow` made; answers it. */
export function readDefinition(name: string, value: unknown): JobDefinition {
  if (typeof value === 'object' && value !== null && 'base' in value) return value as JobDefinition
  const fix =
    value === undefined
      ? 'Define it before it is used; of two modules that import each other, one sees undefined'
      : undefined
  throw invalidOption(name, 'what job(...) or workflow(...) gives', value, fix)
}

/**
 * Checks options and makes a definition of them.
 *
 * @param owner what it is called in messages.
 * @throws INVALID_OPTION, INVALID_NAME or INVALID_DURATION, naming the option.
 */
export function defineJob(
  kind: string,
  options: DefinitionOptions,
  owner = ownerOf('job', kind, options),
): JobDefinition {
  const {
    input,
    output,
    check = 'enqueue',
    queue = 'default',
    priority,
    limits,
    fairKey,
    unique,
    run,
  } = options
  for (const [name, schema] of Object.entries({ input, output })) checkSchema(`${owner} ${name}`, schema)
  if (run !== undefined && typeof run !== 'function') throw invalidOption(`${owner} run`, 'a function', run)
  const profile = readShared(owner, options)
  const base: JobSpec = {
    kind,
    queue: readName(`${owner} queue`, queue),
    ...(priority === undefined ? {} : { priority: readPriority(`${owner} priority`, priority) }),
    ...(typeof fairKey === 'string' ? { fairKey: nonEmptyText(`${owner} fairKey`, fairKey) } : {}),
    ...(Array.isArray(limits) ? { limits: readLimits(`${owner} limits`, limits) } : {}),
    ...(profile === undefined ? {} : { options: profile }),
  }
  return Object.freeze({
    kind,
    queue,
    base: Object.freeze(base),
    options: profile,
    input,
    output,
    check: oneOf(`${owner} check`, check, ['enqueue', 'both']),
    limits: readMaker<readonly LimitUse[]>(
      `${owner} limits`,
      limits,
      'an array or a function',
      Array.isArray,
    ),
    fairKey: readMaker<string>(`${owner} fairKey`, fairKey, 'text or a function', isText),
    unique: unique === undefined || unique === false ? undefined : readUnique(`${owner} unique`, unique),
    run,
  })
}

/** Refuses anything but a priority; answers it. */
export function readPriority(name: string, priority: unknown): number {
  return wholeNumber(name, priority, -MOST_PRIORITY, MOST_PRIORITY)
}

/** Refuses anything but limits; answers them. */
export function readLimits(name: string, limits: unknown): readonly LimitUse[] {
  if (!Array.isArray(limits)) throw invalidOption(name, 'an array of { key, max }', limits)
  for (const limit of limits) {
    checkKnown(name, limit, ['key', 'max'])
    nonEmptyText(`${name} key`, limit.key)
    wholeNumber(`${name} max`, limit.max, 1, MOST_HOLDERS)
  }
  return limits
}

/** Reads uniqueness; `true` is the whole input, while the job is live. */
export function readUnique(name: string, unique: true | UniqueOptions): UniqueRule {
  if (unique === true) return { by: undefined, scope: 'live', forMs: undefined, onConflict: undefined }
  checkKnown(name, unique, ['by', 'for', 'onConflict'])
  const { by, for: during = 'live', onConflict } = unique
  if (by !== undefined && typeof by !== 'function') nonEmptyText(`${name}.by`, by, MOST_KEY)
  if (onConflict !== undefined) readConflict(`${name}.onConflict`, onConflict)
  if (during === 'live' || during === 'ever') return { by, scope: during, forMs: undefined, onConflict }
  return { by, scope: 'for', forMs: parseDuration(during, `${name}.for`), onConflict }
}

/** Refuses anything but a conflict policy; answers it. */
export function readConflict(name: string, policy: unknown): ConflictPolicy {
  return oneOf(name, policy, CONFLICT_POLICIES)
}

function checkSchema(name: string, schema: unknown): void {
  if (schema === undefined) return
  const standard = (schema as StandardSchemaV1 | null)?.['~standard']
  if (typeof standard?.validate === 'function') return
  throw invalidOption(name, 'a Standard Schema (zod, valibot, arktype, ...)', schema)
}

/** A function that makes a value per job; undefined where the value is the same for all. */
function readMaker<Made>(
  name: string,
  value: unknown,
  expected: string,
  isFixed: (value: unknown) => boolean,
): ((input: never) => Made) | undefined {
  if (value === undefined || isFixed(value)) return undefined
  if (typeof value === 'function') return value as (input: never) => Made
  throw invalidOption(name, expected, value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
