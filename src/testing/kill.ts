/**
 * killAtEveryStep: a workflow runs in a process that dies at an operation of its store, and another one takes it up; then
 * the same for the next operation, until it has died everywhere. Each time it must end as if it had not.
 */
import { deepStrictEqual, ok } from 'node:assert/strict'
import type { JobHandle } from '../app/handle.ts'
import type { WorkflowDefinition } from '../app/workflow.ts'
import type { JobDefinition } from '../client/definition.ts'
import type { JobEnd } from '../client/types.ts'
import { PerdureError } from '../errors.ts'
import { checkKnown } from '../std/options.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { type Death, MortalStore } from './mortal-store.ts'
import { openParts, type TestApp } from './test-app.ts'
import { BEGINNING } from './virtual-time.ts'

/** What a test does from outside while the workflow runs. */
export interface Life<Output> {
  readonly app: TestApp
  readonly run: JobHandle<Output>
}

/** The options of {@link killAtEveryStep}. */
export interface KillOptions<Output> {
  /** Definitions and stubs of what the workflow calls. */
  readonly work?: readonly JobDefinition[]
  /**
   * Sends the signals that the workflow waits for. A process that dies may not have come to the end of it, so it is called
   * again in the next one: what it does must bear that.
   */
  readonly during?: (life: Life<Output>) => unknown
  /** Called before each life of the first kind: resets what the test counts. */
  readonly before?: () => unknown
  /** Called when a run has ended that had been killed, for checks of one's own. */
  readonly after?: (end: JobEnd, death: Death) => unknown
  /** What of the end must be the same every time. Default: state, result, and code and message of the error. */
  readonly compare?: (end: JobEnd) => unknown
}

/** What {@link killAtEveryStep} did. */
export interface Killed<Output> {
  /** How often it was killed. */
  readonly deaths: number
  /** How it ends undisturbed. */
  readonly end: JobEnd & { readonly result: Output }
}

/** How long code of users may take in real time, ms: nothing but its steps is waited for. */
const PATIENCE_MS = 1_000
/** All lives of a run enqueue it under this key. */
const KEY = 'killAtEveryStep'
const NEVER: Death = { at: Infinity, isAfter: false }
/** A step is called once, and once more where its process died before it was on record. */
const MOST_CALLS = 2

/**
 * Runs a workflow undisturbed; then once for each operation of its store, in a process that dies before that operation takes
 * effect, and once in one that dies behind it. The next process must bring the run to the same end, without a second call of
 * any step that was on record, and must leave a store without contradictions.
 *
 * @throws AssertionError, with the operation in its message; STUCK where a run does not end.
 */
export async function killAtEveryStep<Input, Output>(
  definition: WorkflowDefinition<Input, Output>,
  input: Input,
  options: KillOptions<Output> = {},
): Promise<Killed<Output>> {
  checkKnown('killAtEveryStep', options, ['work', 'during', 'before', 'after', 'compare'])
  const { before, after, compare = essence } = options
  await before?.()
  const undisturbed = await runOnce(definition, input, options, NEVER)
  let deaths = 0
  for (const isAfter of [false, true]) {
    for (let at = 1; at <= undisturbed.operations; at++) {
      await before?.()
      const death = { at, isAfter }
      const { end, problems, calls } = await runOnce(definition, input, options, death)
      const where = `killed ${isAfter ? 'after' : 'before'} operation ${at} of the store`
      deepStrictEqual(compare(end), compare(undisturbed.end), where)
      deepStrictEqual(problems, [], `${where}: what the store holds`)
      for (const [step, count] of calls)
        ok(count <= MOST_CALLS, `${where}: ${step} was called ${count} times`)
      await after?.(end, death)
      deaths++
    }
  }
  return { deaths, end: undisturbed.end as Killed<Output>['end'] }
}

/** An error's stack tells of the place that it was thrown from, which may be another one. */
function essence({ state, result, error }: JobEnd): unknown {
  return { state, result, error: error && { code: error.code, message: error.message } }
}

interface Ended {
  readonly end: JobEnd
  readonly operations: number
  readonly problems: readonly string[]
  /** Of steps, by what tells them apart. */
  readonly calls: ReadonlyMap<string, number>
}

/** Runs it in a process that dies, and goes on in one that does not. */
async function runOnce<Input, Output>(
  definition: WorkflowDefinition<Input, Output>,
  input: Input,
  options: KillOptions<Output>,
  death: Death,
): Promise<Ended> {
  const store = createMemoryStore()
  const mortal = new MortalStore(store, death)
  const calls = new Map<string, number>()
  const live = async (app: TestApp, isAgain: boolean): Promise<Ended> => {
    // what a store that died says about it is for nobody
    app.work([definition, ...(options.work ?? [])] as JobDefinition[]).on('error', () => {})
    const run = await app.enqueue<Input, Output>(
      definition,
      ...([input, { key: KEY, keyWindow: 'ever' }] as never),
    )
    await Promise.resolve(options.during?.({ app, run })).catch((error: unknown) => {
      // it had heard all of it, and ended, before its process died
      if (!isAgain || !(error instanceof PerdureError) || error.code !== 'WRONG_STATE') throw error
    })
    const end = await run.wait()
    return { end, operations: mortal.operations, problems: await app.client.check(), calls }
  }
  const parts = { patienceMs: PATIENCE_MS, calls }
  let first: TestApp | undefined
  try {
    first = await openParts({ ...parts, store: mortal, now: BEGINNING })
    const ended = await live(first, false)
    await first.close()
    return ended
  } catch (error) {
    if (!mortal.isDead) throw error
    // what it was doing goes nowhere any more, but has to be over
    await first?.settle()
    await store.close()
  }
  const second = await openParts({ ...parts, store, now: first?.now() ?? BEGINNING })
  try {
    return await live(second, true)
  } finally {
    await second.close()
  }
}
