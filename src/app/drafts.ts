/**
 * Drafts: jobs that are not enqueued yet, so that graphs can be put together before any of them has an id.
 *
 * Owns: the way from drafts in any order to calls of at most 10,000 jobs. Never does: talking to a client.
 */
import { type JobDefinition, readDefinition } from '../client/definition.ts'
import { type AfterOption, type EnqueueOptions, makeSpec } from '../client/enqueue.ts'
import type { Dependency, JobSpec } from '../client/types.ts'
import { perdureError } from '../errors.ts'
import { invalidOption } from '../std/options.ts'

/** The options of a draft: as of an enqueue, but `after` takes drafts as well. */
export type DraftOptions = EnqueueOptions<Draft>

/** A job that is not enqueued yet. Made by {@link draft} and {@link group}. */
export class Draft<Output = unknown> {
  readonly definition: JobDefinition
  readonly input: unknown
  readonly options: DraftOptions | undefined
  /** Types only. */
  declare readonly '~output'?: Output

  constructor(definition: JobDefinition, input: unknown, options: DraftOptions | undefined) {
    this.definition = definition
    this.input = input
    this.options = options
  }
}

/** The arguments after a definition: the input may be left out where its type allows that. */
export type EnqueueArguments<Input, Options> = undefined extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options]

/** A job to enqueue later, together with others. */
export function draft<Input, Output>(
  definition: JobDefinition<Input, Output>,
  ...[input, options]: EnqueueArguments<Input, DraftOptions>
): Draft<Output> {
  return new Draft(readDefinition('the definition of draft', definition), input, options)
}

const GROUP: JobDefinition = Object.freeze({
  kind: '',
  queue: 'default',
  base: Object.freeze({}),
  options: undefined,
  input: undefined,
  output: undefined,
  check: 'enqueue',
  limits: undefined,
  fairKey: undefined,
  unique: undefined,
  run: undefined,
})

/** A job without a handler, which succeeds when all of the given ones have ended well. */
export function group(
  after: readonly AfterOption<Draft>[],
  options?: Omit<DraftOptions, 'after'>,
): Draft<null> {
  return new Draft(GROUP, undefined, { ...options, after })
}

/** One call of a client, and where its jobs stand among the drafts. */
export interface Chunk {
  readonly positions: readonly number[]
  /** Makes the plain jobs, once the ids of all earlier chunks are known. */
  specs(idOf: (position: number) => number): Promise<JobSpec[]>
}

/** Splits drafts into calls of at most `most` jobs, such that each depends only on itself and earlier ones. */
export function chunksOf(drafts: readonly Draft[], most: number): Chunk[] {
  const positions = positionsOf(drafts)
  // within one call the engine takes any order, and finds cycles itself
  const order = drafts.length <= most ? [...drafts.keys()] : sorted(drafts, positions)
  const chunks: Chunk[] = []
  for (let start = 0; start < order.length; start += most) {
    const own = order.slice(start, start + most)
    chunks.push({ positions: own, specs: (idOf) => specsOf(drafts, positions, own, idOf) })
  }
  return chunks
}

async function specsOf(
  drafts: readonly Draft[],
  positions: ReadonlyMap<Draft, number>,
  own: readonly number[],
  idOf: (position: number) => number,
): Promise<JobSpec[]> {
  // most calls have no dependencies, and need no map
  let indexes: Map<number, number> | undefined
  const resolve = (other: Draft): Dependency => {
    indexes ??= new Map(own.map((position, index) => [position, index]))
    const position = positionOf(positions, other)
    const index = indexes.get(position)
    return index === undefined ? { job: idOf(position) } : { index }
  }
  const specs: JobSpec[] = []
  for (const position of own) {
    const { definition, input, options } = drafts[position] as Draft
    const spec = makeSpec(definition, input, options, resolve)
    // awaiting what is no promise would cost a turn per job
    specs.push(spec instanceof Promise ? await spec : spec)
  }
  return specs
}

function positionsOf(drafts: readonly Draft[]): Map<Draft, number> {
  const positions = new Map<Draft, number>()
  for (let position = 0; position < drafts.length; position++) {
    const one = drafts[position] as Draft
    if (!(one instanceof Draft))
      throw invalidOption(`enqueueMany [${position}]`, 'a draft', one, 'Make it with draft(...)')
    if (positions.has(one)) {
      throw invalidOption(
        `enqueueMany [${position}]`,
        'a draft that is given once',
        `a draft that is also [${positions.get(one)}]`,
      )
    }
    positions.set(one, position)
  }
  return positions
}

function positionOf(positions: ReadonlyMap<Draft, number>, other: Draft): number {
  const position = positions.get(other)
  if (position !== undefined) return position
  throw invalidOption(
    'enqueue after',
    'ids, handles, or drafts of the same call',
    other,
    'Enqueue that draft in the same call',
  )
}

/** Positions such that each comes after those it depends on, otherwise as they were given. */
function sorted(drafts: readonly Draft[], positions: ReadonlyMap<Draft, number>): number[] {
  const dependents = new Map<number, number[]>()
  const unmet = drafts.map(({ options }, position) => {
    const before = draftsIn(options?.after ?? []).map((other) => positionOf(positions, other))
    for (const other of before) dependents.set(other, [...(dependents.get(other) ?? []), position])
    return before.length
  })
  const order: number[] = []
  for (const [position, count] of unmet.entries()) if (count === 0) order.push(position)
  for (let next = 0; next < order.length; next++) {
    for (const dependent of dependents.get(order[next] as number) ?? []) {
      unmet[dependent] = (unmet[dependent] as number) - 1
      if (unmet[dependent] === 0) order.push(dependent)
    }
  }
  if (order.length === drafts.length) return order
  const inCycle = unmet.findIndex((count) => count > 0)
  throw perdureError('CYCLE', {
    expected: 'jobs that can run one after another',
    found: `a cycle on the way to job [${inCycle}] of the call`,
    fix: 'Take one of its dependencies out',
    data: { index: inCycle },
  })
}

function draftsIn(after: readonly AfterOption<Draft>[]): Draft[] {
  return after.flatMap((option) => {
    const job = typeof option === 'object' && 'job' in option ? option.job : option
    return job instanceof Draft ? [job] : []
  })
}
