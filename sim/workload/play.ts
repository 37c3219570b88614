/**
 * Play: a program as the code of a workflow. Everything that it does to the world goes through its hands, so that
 * somebody can keep a ledger of it.
 */
import { defineJob, type JobDefinition } from '../../src/client/definition.ts'
import type { Flow } from '../../src/workflow/flow.ts'
import type { StepContext } from '../../src/workflow/step.ts'
import { childOf, type Op, type Program, STEP_TRIES, stepFailure, writtenFailure } from './program.ts'

/** What a run of a program is given. Runs that were not made by a caller have no call. */
export interface FlowInput {
  readonly flow: string
  readonly round: number
  readonly call?: number
  readonly index?: number
}

/** What the code does to the world, and what it is told of it. */
export interface Hands {
  /** A step is called. Resolves when it has done its work; undefined where that takes no time. */
  step(op: Op & { readonly type: 'step' }, context: StepContext): Promise<void> | undefined
  undo(op: Op & { readonly type: 'step' }): unknown
  /** The code goes on behind something, so that must be on record. `name` is that of the entry. */
  passed(name: string): void
}

/** Attempts of runs fail for what happens to machines only, so they are tried as often as it takes. */
export const RUN_OPTIONS = { retry: { attempts: 1_000, minMs: 10, maxMs: 5_000, on: 'any' } } as const

/** Runs a program from its beginning to its end, or to the next round of it. */
export async function play(
  program: Program,
  flow: Flow,
  input: FlowInput,
  options: { readonly hands: Hands; readonly children: Children },
): Promise<unknown> {
  const player = new Player(program, flow, options.hands, options.children)
  const values = await player.all(program.ops)
  if (input.round < program.rounds) flow.continueAsNew({ ...input, round: input.round + 1 })
  return values
}

/** The jobs that programs call. */
export interface Children {
  readonly flow: JobDefinition
  readonly job: JobDefinition
}

/** @param attempts of the jobs. */
export function childrenOf(attempts: number, heartbeatMs: number): Children {
  const timeout = { lease: heartbeatMs }
  const retry = { attempts: RUN_OPTIONS.retry.attempts, min: 10, max: 5_000 }
  return {
    flow: defineJob('flow', { retry, timeout }),
    job: defineJob('plain', { retry: { attempts, min: 10, max: 1_000 }, timeout }),
  }
}

class Player {
  readonly #program: Program
  readonly #flow: Flow
  readonly #hands: Hands
  readonly #children: Children

  constructor(program: Program, flow: Flow, hands: Hands, children: Children) {
    this.#program = program
    this.#flow = flow
    this.#hands = hands
    this.#children = children
  }

  async all(ops: readonly Op[]): Promise<unknown[]> {
    const values: unknown[] = []
    for (const op of ops) values.push(await this.#one(op))
    return values
  }

  async #one(op: Op): Promise<unknown> {
    switch (op.type) {
      case 'step':
        return this.#step(op)
      case 'sleep':
        await this.#flow.sleep(`${op.ms}ms`)
        this.#hands.passed(`${op.ms}ms`)
        break
      case 'signal':
        await this.#listen(op)
        break
      case 'echo':
        await this.#flow.send(this.#flow.run, `echo-${op.id}`, op.id)
        if ((await this.#flow.signal(`echo-${op.id}`)) !== op.id) throw new Error(`no echo ${op.id}`)
        break
      case 'job':
        await this.#job(op)
        break
      case 'circle':
        await this.#circle()
        break
      case 'child':
        return this.#flow.call(this.#children.flow, { flow: childOf(this.#program.name, op.id), round: 0 })
      case 'mark':
        if (!this.#flow.patched(`patch ${op.id}`)) throw new Error(`patch ${op.id} is not taken`)
        if (this.#flow.now() <= 0 || this.#flow.random() < 0) throw new Error('no such moment')
        break
      case 'all':
        return this.#flow.all(op.branches.map((branch) => this.all(branch)))
      case 'race':
        await this.#flow.race(op.branches.map((branch) => this.#one(branch[0] as Op)))
        break
      case 'try':
        return this.all(op.body).catch((error: unknown) => ({ caught: (error as Error).message }))
      case 'fail':
        throw new Error(writtenFailure(op.id))
    }
    return op.type
  }

  async #step(op: Op & { readonly type: 'step' }): Promise<unknown> {
    const undo = op.hasUndo ? { undo: () => this.#hands.undo(op) } : {}
    // one whose work takes no time answers at once, which is another way through the run than a promise is
    const call = (context: StepContext): unknown => {
      const work = this.#hands.step(op, context)
      return work === undefined ? this.#outcome(op, context) : work.then(() => this.#outcome(op, context))
    }
    const retry = { attempts: STEP_TRIES, min: 10, max: 2_000 }
    try {
      const value = await this.#flow.step(`step ${op.id}`, call, { retry, ...undo })
      this.#hands.passed(`step ${op.id}`)
      return value
    } catch (error) {
      if ((error as Error).message === stepFailure(op.id)) this.#hands.passed(`step ${op.id}`)
      throw error
    }
  }

  #outcome({ id, fails }: Op & { readonly type: 'step' }, { attempt }: StepContext): number {
    if (attempt <= fails) throw new Error(stepFailure(id))
    return id
  }

  async #listen({ id, timeoutMs }: Op & { readonly type: 'signal' }): Promise<void> {
    const name = `signal-${id}`
    if (timeoutMs === 0) await this.#flow.signal(name)
    else await this.#flow.signal(name, { timeout: timeoutMs })
    this.#hands.passed(name)
  }

  async #circle(): Promise<void> {
    const enqueue = { after: [this.#flow.run] }
    const refusal = await this.#flow
      .call(this.#children.job, {}, { enqueue })
      .catch((error: unknown) => error)
    if ((refusal as { code?: string }).code !== 'CYCLE') throw refusal
  }

  async #job(op: Op & { readonly type: 'job' }): Promise<void> {
    const onClose = op.closes ? 'cancel' : 'abandon'
    const input = { of: this.#program.name }
    if (op.isAwaited) await this.#flow.call(this.#children.job, input, { onClose }).catch(() => {})
    else await this.#flow.start(this.#children.job, input, { onClose })
  }
}
