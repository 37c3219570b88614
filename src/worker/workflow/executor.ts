/**
 * Runs workflow runs: from a leased attempt to the code that waits for it, and back to an outcome.
 *
 * Owns: which runs are worked on and which are kept in memory. Never does: anything about a single run (see workflow/run.ts).
 */
import type { WorkerSession } from '../../client/client.ts'
import type { JobDefinition } from '../../client/definition.ts'
import { type EnqueueOptions, makeSpec } from '../../client/enqueue.ts'
import type { RunEntry, WorkflowSession } from '../../client/workflows.ts'
import type { Outcome, StopReason } from '../../core/model/outcome.ts'
import { errorRecord } from '../../errors.ts'
import type { Attempt, AttemptControl } from '../../executors/executor.ts'
import { stoppedOutcome } from '../../executors/stopped.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Timers } from '../../runtime/timers.ts'
import { assert } from '../../std/assert.ts'
import { Flow } from '../../workflow/flow.ts'
import type { RunEnd, RunPort } from '../../workflow/port.ts'
import { FlowRun } from '../../workflow/run.ts'
import type { SessionExecutor } from '../session-executor.ts'
import { Kept } from './kept.ts'
import { answerQuestions } from './questions.ts'
import { Watch, watchGlobals } from './watch.ts'

/** The code of a workflow. */
export type WorkflowCode = (flow: Flow, input: never) => unknown

/** What a workflow executor needs. */
export interface WorkflowExecutorOptions {
  readonly clock: Clock
  readonly timers: Timers
  /** Memory for runs that wait, in characters, about. Default 64 Mi. */
  readonly keep?: number
  /** Looks for mistakes in the code that would break a replay: takes the place of globals meanwhile. Default false. */
  readonly isStrict?: boolean
  /** Hears of mistakes, and of limits that come near. Default: a warning of the process. */
  readonly warn?: (text: string) => void
}

const KEEP = 64 * 1024 * 1024

const warnProcess = (text: string): void => process.emitWarning(text, 'PerdureWarning')

/** Makes an executor for workflows, by kind. */
export function createWorkflowExecutor(
  workflows: ReadonlyMap<string, WorkflowCode>,
  options: WorkflowExecutorOptions,
): SessionExecutor {
  return new Workflows(workflows, options)
}

class Workflows implements SessionExecutor {
  readonly name = 'workflow'
  readonly #workflows: ReadonlyMap<string, WorkflowCode>
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #kept: Kept
  readonly #active = new Map<string, FlowRun>()
  /** The same by job. */
  readonly #live = new Map<number, FlowRun>()
  #session: WorkflowSession | undefined
  readonly #watches = new Map<string, Watch>()
  readonly #isStrict: boolean
  readonly #warn: (text: string) => void
  #unwatch: () => void = () => {}

  constructor(workflows: ReadonlyMap<string, WorkflowCode>, options: WorkflowExecutorOptions) {
    const { clock, timers, keep = KEEP, isStrict = false, warn = warnProcess } = options
    this.#workflows = workflows
    this.#clock = clock
    this.#timers = timers
    this.#kept = new Kept(keep)
    this.#isStrict = isStrict
    this.#warn = warn
    if (isStrict) this.#unwatch = watchGlobals()
  }

  attach(session: WorkerSession): void {
    this.#session = session.workflows
    this.#session.onNews((token) => this.#active.get(token)?.news())
    answerQuestions(this.#session, {
      codeOf: (kind) => this.#workflows.get(kind),
      known: (job) => this.#live.get(job) ?? this.#kept.peek(job),
    })
  }

  async run(attempt: Attempt, control: AttemptControl): Promise<Outcome> {
    const session = this.#session
    const code = this.#workflows.get(attempt.kind)
    assert(
      session !== undefined && code !== undefined,
      'a worker is attached, and leases kinds that it was given',
    )
    const port = this.#portOf(session, attempt, control)
    const kept = this.#kept.take(attempt.job)
    const run =
      kept ??
      new FlowRun(
        attempt.job,
        (own) => code(new Flow(own, port.child), attempt.input as never),
        this.#watchOf(attempt.kind),
      )
    this.#active.set(attempt.token, run)
    this.#live.set(attempt.job, run)
    const end = await run.work(port, attempt.attempt === 1)
    this.#active.delete(attempt.token)
    if (this.#live.get(attempt.job) === run) this.#live.delete(attempt.job)
    if (end.type === 'suspended') this.#kept.put(run)
    return outcomeOf(end, control)
  }

  #watchOf(kind: string): Watch {
    const watch = this.#watches.get(kind) ?? new Watch(kind, this.#isStrict, this.#warn)
    this.#watches.set(kind, watch)
    return watch
  }

  #portOf(
    session: WorkflowSession,
    { token, namespace, attempt }: Attempt,
    control: AttemptControl,
  ): RunPort {
    const timers = this.#timers
    return {
      record: (seen, entries) => session.record(token, seen, entries as readonly RunEntry[]),
      read: (from) => session.journal(token, from),
      child: (definition, input, options) =>
        makeSpec(definition as JobDefinition, input, inNamespace(namespace, options)),
      after: (ms, act) => {
        const timer = timers.after(ms, act)
        return () => timer.cancel()
      },
      now: () => this.#clock.now(),
      attempt,
      progress: (fraction, message) => control.progress(fraction, message),
      signal: control.signal,
    }
  }

  async close(): Promise<void> {
    this.#kept.clear()
    this.#unwatch()
  }
}

/** Children belong to the namespace of their run, unless they are given another. */
function inNamespace(namespace: string, options: EnqueueOptions | undefined): EnqueueOptions | undefined {
  return namespace === 'default' ? options : { namespace, ...options }
}

/**
 * Of a lease that was lost as well: where the run is another worker's, nobody hears this, and where it is not (its owner was
 * opened anew, or could not be reached for a while) it goes on from its journal, and has lost no try.
 */
const RELEASED: Outcome = { type: 'released' }

/** Why an attempt was stopped that goes on from its journal: also one that was cancelled, for what it may have to undo. */
const GIVEN_BACK: ReadonlySet<StopReason> = new Set<StopReason>(['lease-lost', 'cancel'])

function outcomeOf(end: RunEnd, control: AttemptControl): Outcome {
  switch (end.type) {
    case 'succeeded':
      return end.result === undefined ? { type: 'succeeded' } : { type: 'succeeded', result: end.result }
    case 'failed':
      // Its end is on record like everything before it: trying again would only find it.
      return { type: 'failed', error: errorRecord(end.error), retry: false }
    case 'paused':
      return { type: 'paused', error: errorRecord(end.error) }
    case 'cancelled':
    case 'suspended':
    case 'continued':
      return end
    case 'stopped':
      return control.stopReason === undefined || GIVEN_BACK.has(control.stopReason)
        ? RELEASED
        : stoppedOutcome(control.stopReason, { found: 'a workflow that was under way' })
    case 'lost':
      return RELEASED
  }
}
