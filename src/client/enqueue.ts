/**
 * From a definition, an input and options to the plain job that a client enqueues.
 *
 * Owns: the public options of an enqueue. This is on the way of every single enqueue, so what was checked
 * with the definition is not checked again. Never does: talking to a client.
 */
import { createHash } from 'node:crypto'
import { MOST_KEY } from '../core/policy/sizes.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption, nonEmptyText, oneOf } from '../std/options.ts'
import {
  type JobDefinition,
  readConflict,
  readLimits,
  readPriority,
  readUnique,
  type UniqueOptions,
  type UniqueRule,
} from './definition.ts'
import { mergeShared, readShared, SHARED_OPTIONS, type SharedOptions } from './profile-options.ts'
import { checkValue } from './schema.ts'
import type { ConflictPolicy, Dependency, EdgePolicy, JobHint, JobSpec, LimitUse } from './types.ts'

/** A job by its id, or by anything that has one (a handle, a view). */
export type JobReference = number | { readonly id: number }

/** One dependency; `Other` is what else can stand for a job. */
export type AfterOption<Other = never> =
  | JobReference
  | Other
  | { readonly job: JobReference | Other; readonly onFailure?: EdgePolicy }

/** The options of one enqueue. What is given here goes before what the definition says. */
export interface EnqueueOptions<Other = never> extends SharedOptions {
  /** Idempotency key, unique in its namespace. */
  readonly key?: string
  /** What happens when the key is taken. Default `use-existing`. */
  readonly onConflict?: ConflictPolicy
  /** How long the key is remembered after the enqueue. Default 24 h. */
  readonly keyWindow?: Duration | 'ever'
  /** Not before this long from now. */
  readonly delay?: Duration
  /** Not before this moment, a Date or epoch ms. */
  readonly at?: Date | number
  /** Smaller runs first. */
  readonly priority?: number
  readonly queue?: string
  readonly namespace?: string
  /** Jobs that must end first. Default of `onFailure`: `fail`. */
  readonly after?: readonly AfterOption<Other>[]
  readonly limits?: readonly LimitUse[]
  /** Up to 16 indexed pairs of text. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly unique?: boolean | UniqueOptions
  /** The job that this one belongs to. No dependency. */
  readonly parent?: JobReference
  readonly fairKey?: string
  /** How long the job takes, and where its files are: helps to choose among jobs that are equal otherwise. */
  readonly hint?: { readonly duration?: Duration; readonly path?: string }
}

const KNOWN = [
  ...['key', 'onConflict', 'keyWindow', 'delay', 'at', 'priority', 'queue', 'namespace', 'after', 'limits'],
  ...['metadata', 'unique', 'parent', 'fairKey', 'hint'],
  ...SHARED_OPTIONS,
]

/** How a reference that is no id is made a dependency. */
export type Resolve<Other> = (other: Other) => { readonly job?: number; readonly index?: number }

/**
 * The plain job; a promise of it where the schema of the input is asynchronous.
 *
 * @throws INVALID_OPTION, INVALID_DURATION, and INVALID_INPUT where the input does not match its schema.
 */
export function makeSpec<Other = never>(
  definition: JobDefinition,
  input: unknown,
  options: EnqueueOptions<Other> | undefined,
  resolve?: Resolve<Other>,
): JobSpec | Promise<JobSpec> {
  const { input: schema } = definition
  if (schema === undefined) return finish(definition, input, input, options, resolve)
  const value = checkValue(
    schema,
    input,
    'INVALID_INPUT',
    `the input of job(${JSON.stringify(definition.kind)})`,
  )
  if (value instanceof Promise) return value.then((made) => finish(definition, input, made, options, resolve))
  return finish(definition, input, value, options, resolve)
}

/** @param value what the schema made of the input; makers of the definition get it. */
function finish<Other>(
  definition: JobDefinition,
  input: unknown,
  value: unknown,
  options: EnqueueOptions<Other> | undefined,
  resolve: Resolve<Other> | undefined,
): JobSpec {
  const { base, limits, fairKey, unique } = definition
  const stored = definition.check === 'both' ? input : value
  let spec: JobSpec = stored === undefined ? base : { ...base, input: stored }
  if (limits !== undefined || fairKey !== undefined || unique !== undefined) {
    const owner = `job(${JSON.stringify(definition.kind)})`
    spec = {
      ...spec,
      ...(limits === undefined ? {} : { limits: readLimits(`${owner} limits`, limits(value as never)) }),
      ...(fairKey === undefined
        ? {}
        : { fairKey: nonEmptyText(`${owner} fairKey`, fairKey(value as never)) }),
      ...(unique === undefined || options?.unique !== undefined
        ? {}
        : { unique: makeUnique(owner, unique, value) }),
    }
  }
  return options === undefined ? spec : withOptions(spec, value, options, resolve)
}

function withOptions<Other>(
  spec: JobSpec,
  value: unknown,
  options: EnqueueOptions<Other>,
  resolve: Resolve<Other> | undefined,
): JobSpec {
  checkKnown('enqueue', options, KNOWN)
  const {
    key,
    onConflict,
    keyWindow,
    priority,
    queue,
    namespace,
    after,
    limits,
    metadata,
    unique,
    parent,
    hint,
  } = options
  const profile = mergeShared(spec.options, readShared('enqueue', options))
  return {
    ...spec,
    ...readDue(options),
    ...(key === undefined ? {} : { key: nonEmptyText('enqueue key', key, MOST_KEY) }),
    ...(onConflict === undefined ? {} : { onConflict: readConflict('enqueue onConflict', onConflict) }),
    ...(keyWindow === undefined ? {} : { keyWindowMs: readWindow(keyWindow) }),
    ...(priority === undefined ? {} : { priority: readPriority('enqueue priority', priority) }),
    ...(queue === undefined ? {} : { queue: nonEmptyText('enqueue queue', queue) }),
    ...(namespace === undefined ? {} : { namespace: nonEmptyText('enqueue namespace', namespace) }),
    ...(options.fairKey === undefined ? {} : { fairKey: nonEmptyText('enqueue fairKey', options.fairKey) }),
    ...(after === undefined ? {} : { after: readAfter(after, resolve) }),
    ...(limits === undefined ? {} : { limits: readLimits('enqueue limits', limits) }),
    ...(metadata === undefined ? {} : { metadata: readMetadata(metadata) }),
    ...(unique === undefined || unique === false
      ? {}
      : { unique: makeUnique('enqueue', readUnique('enqueue unique', unique), value) }),
    ...(parent === undefined ? {} : { parent: referenceId('enqueue parent', parent) }),
    ...(profile === undefined ? {} : { options: profile }),
    ...(hint === undefined ? {} : { hint: readHint(hint) }),
  }
}

function readHint(hint: NonNullable<EnqueueOptions['hint']>): JobHint {
  checkKnown('enqueue hint', hint, ['duration', 'path'])
  const { duration, path } = hint
  return {
    ...(duration === undefined ? {} : { durationMs: parseDuration(duration, 'enqueue hint.duration') }),
    ...(path === undefined ? {} : { path: nonEmptyText('enqueue hint.path', path, MOST_KEY) }),
  }
}

function readDue({ delay, at }: Pick<EnqueueOptions, 'delay' | 'at'>): Pick<JobSpec, 'delayMs' | 'dueAt'> {
  if (delay !== undefined && at !== undefined) {
    throw invalidOption('enqueue delay', 'given without at', delay, 'Give one of the two')
  }
  if (delay !== undefined) return { delayMs: parseDuration(delay, 'enqueue delay') }
  if (at === undefined) return {}
  const dueAt = at instanceof Date ? at.getTime() : at
  if (Number.isSafeInteger(dueAt) && dueAt >= 0) return { dueAt }
  throw invalidOption('enqueue at', 'a Date, or epoch ms as a whole number', at)
}

function readWindow(keyWindow: Duration | 'ever'): number {
  return keyWindow === 'ever' ? Number.POSITIVE_INFINITY : parseDuration(keyWindow, 'enqueue keyWindow')
}

function readAfter<Other>(
  after: readonly AfterOption<Other>[],
  resolve: Resolve<Other> | undefined,
): Dependency[] {
  if (!Array.isArray(after)) throw invalidOption('enqueue after', 'an array of jobs', after)
  return after.map((option: AfterOption<Other>) => {
    if (!isEdge(option)) return dependency(option, resolve)
    checkKnown('enqueue after', option, ['job', 'onFailure'])
    const { job, onFailure } = option
    if (onFailure === undefined) return dependency(job, resolve)
    const policy = oneOf('enqueue after onFailure', onFailure, ['fail', 'cancel', 'run'])
    return { ...dependency(job, resolve), onFailure: policy }
  })
}

function isEdge<Other>(
  option: AfterOption<Other>,
): option is { readonly job: JobReference | Other; readonly onFailure?: EdgePolicy } {
  return typeof option === 'object' && option !== null && 'job' in option && !('id' in option)
}

function dependency<Other>(job: JobReference | Other, resolve: Resolve<Other> | undefined): Dependency {
  if (typeof job === 'number' || (typeof job === 'object' && job !== null && 'id' in job)) {
    return { job: referenceId('enqueue after', job as JobReference) }
  }
  if (resolve === undefined) throw invalidOption('enqueue after', 'job ids or handles', job)
  return resolve(job as Other)
}

/** The id of a job that is named by its id or by what has one. */
export function referenceId(name: string, job: unknown): number {
  const id = typeof job === 'object' && job !== null && 'id' in job ? job.id : job
  if (Number.isSafeInteger(id) && (id as number) > 0) return id as number
  throw invalidOption(name, 'a job id, or a handle of a job', job)
}

function readMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (typeof metadata !== 'object' || metadata === null) {
    throw invalidOption('enqueue metadata', 'an object of text', metadata)
  }
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw invalidOption(`enqueue metadata.${name}`, 'text', value)
  }
  return metadata
}

function makeUnique(owner: string, rule: UniqueRule, input: unknown): NonNullable<JobSpec['unique']> {
  const { by, scope, forMs, onConflict } = rule
  const made = typeof by === 'function' ? by(input as never) : by
  const value =
    made === undefined && by === undefined
      ? canonical(input)
      : nonEmptyText(`${owner} unique.by`, made, MOST_KEY)
  return {
    value: value.length > 200 ? createHash('sha256').update(value).digest('base64url') : value,
    scope,
    ...(forMs === undefined ? {} : { forMs }),
    ...(onConflict === undefined ? {} : { onConflict }),
  }
}

/** JSON with sorted names: equal values make equal text. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? 'null'
  )
}
