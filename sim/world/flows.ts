/**
 * Flows: the real executor of workflows, with programs for code, and hands that keep a ledger of what it does. Now and
 * then it comes with code that does not fit.
 */
import type { WorkerSession } from '../../src/client/client.ts'
import type { Outcome } from '../../src/core/model/outcome.ts'
import type { Attempt, AttemptControl } from '../../src/executors/executor.ts'
import type { SessionExecutor } from '../../src/worker/session-executor.ts'
import { createWorkflowExecutor } from '../../src/worker/workflow/executor.ts'
import type { Flow } from '../../src/workflow/flow.ts'
import type { Effects, Holder } from '../invariants/effects.ts'
import type { Ledger } from '../invariants/ledger.ts'
import { Random } from '../random.ts'
import type { Swarm } from '../swarm.ts'
import { type Children, type FlowInput, type Hands, play } from '../workload/play.ts'
import type { Programs } from '../workload/program.ts'
import { versionLabelsOf } from '../workload/versions.ts'
import type { Actor } from './actor.ts'
import type { Scheduler } from './scheduler.ts'

/** What workers share about workflows. */
export interface FlowShop {
  readonly scheduler: Scheduler
  readonly swarm: Swarm
  readonly ledger: Ledger
  readonly effects: Effects
  readonly programs: Programs
  readonly children: Children
  readonly isCalm: boolean
}

/** Runs in memory: a handful where memory is small. */
const SMALL_KEEP = 12_000

export class Flows implements SessionExecutor {
  readonly name = 'flow'
  readonly #actor: Actor
  readonly #shop: FlowShop
  readonly #executor: SessionExecutor
  /** Who works on each run here. */
  readonly #holders = new Map<number, Holder>()
  /** The inputs of attempts. Code that has another one is a replay that answers what a run is asked. */
  readonly #inputs = new WeakSet<object>()

  constructor(actor: Actor, shop: FlowShop) {
    this.#actor = actor
    this.#shop = shop
    const code = (flow: Flow, input: never): unknown => this.#code(flow, input)
    const small = shop.swarm.features.includes('smallMemory') ? { keep: SMALL_KEEP } : {}
    this.#executor = createWorkflowExecutor(new Map([['flow', code]]), {
      clock: actor.clock,
      timers: actor.timers(),
      ...small,
    })
  }

  attach(session: WorkerSession): void {
    this.#executor.attach(session)
  }

  async run(attempt: Attempt, control: AttemptControl): Promise<Outcome> {
    const { ledger, scheduler } = this.#shop
    const { job, attempt: number, token, input } = attempt
    ledger.begun(attempt, control, this.#actor)
    this.#inputs.add(input as FlowInput)
    const holder = { job, attempt: number, token }
    this.#holders.set(job, holder)
    this.#shop.effects.begun(holder, versionLabelsOf(this.#actor.name))
    scheduler.trace(`${this.#actor.name}: flow ${job}.${number}`)
    const outcome = await this.#executor.run(attempt, control)
    scheduler.trace(`${this.#actor.name}: flow ${job}.${number} ${outcome.type}`)
    return ledger.ended(token, outcome)
  }

  #code(flow: Flow, input: FlowInput): unknown {
    const { programs, children } = this.#shop
    const isReplay = !this.#inputs.has(input)
    const nobody = { job: flow.run, attempt: 0, token: '' }
    // one that waits is taken up by later attempts
    const holder = (): Holder => (isReplay ? nobody : this.#holders.get(flow.run)) ?? nobody
    if (this.#isStrange(holder())) return this.#strangeCode(flow)
    return play(programs.get(input.flow), flow, input, { hands: this.#hands(holder), children })
  }

  #isStrange(holder: Holder): boolean {
    const { isCalm, swarm, effects } = this.#shop
    if (isCalm || !new Random(`${swarm.seed}/strange/${holder.token}`).chance(0.03)) return false
    return effects.hasRecorded(holder)
  }

  /** Asks for what no program asks for: it has to get no answer. */
  async #strangeCode(flow: Flow): Promise<never> {
    const { effects, scheduler } = this.#shop
    effects.estranged(flow.run)
    scheduler.trace(`${this.#actor.name}: strange code for ${flow.run}`)
    const isStopped = await flow
      .step('strange', () => effects.guessed(flow.run, 'its step is called'))
      .then(
        () => effects.guessed(flow.run, 'it has the result of another step'),
        (error: unknown) => (error as { code?: string }).code === 'CANCELLED',
      )
    if (isStopped !== true) effects.guessed(flow.run, 'it has the failure of another step')
    throw new Error('strange code was cancelled')
  }

  #hands(holder: () => Holder): Hands {
    const { effects, scheduler } = this.#shop
    const work = (ms: number): Promise<void> | undefined =>
      ms === 0 ? undefined : new Promise<void>((resolve) => void this.#actor.after(ms, resolve))
    return {
      step: ({ id, ms }, { key, attempt }) => {
        scheduler.trace(`${this.#actor.name}: step ${id} of ${key}, try ${attempt}`)
        effects.called(holder(), `step ${id}`, key)
        return work(ms)
      },
      undo: ({ id, ms }) => {
        scheduler.trace(`${this.#actor.name}: undo ${id} of ${holder().job}`)
        return work(ms)
      },
      passed: (name) => effects.passed(holder(), name),
      changed: ({ id }, { key, attempt }) => {
        scheduler.trace(`${this.#actor.name}: ${id} of ${key}, try ${attempt}`)
        effects.called(holder(), `change ${id}`, key)
        effects.changed(holder(), id)
      },
      answered: (title, answer) => {
        scheduler.trace(`${this.#actor.name}: ${answer} to ${title} of ${holder().job}`)
        effects.answered(holder(), title, answer)
      },
      holds: (key) => effects.holds(holder(), key),
    }
  }

  close(): Promise<void> {
    return this.#executor.close()
  }
}
