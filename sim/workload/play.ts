/**
 * Play: a program as the code of a workflow. Everything that it does to the world goes through its hands, so that
 * somebody can keep a ledger of it.
 */
import { defineJob, type JobDefinition } from '../../src/client/definition.ts'
import type { Flow } from '../../src/workflow/flow.ts'
import { rejectAnswer } from '../../src/workflow/human.ts'
import type { StepContext } from '../../src/workflow/step.ts'
import { type Change, changeFailure, isRefusal, titleOf } from './conversation.ts'
import { childOf, ECHO, type Op, type Program, STEP_TRIES, stepFailure, writtenFailure } from './program.ts'

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
  /** An update is carried out. */
  changed(change: Change, context: StepContext): void
  /** Somebody has answered a question. */
  answered(title: string, answer: string): void
  /** The code does something under a lock. */
  holds(key: string): void
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
  const player = new Player({ program, ...options, passed: [] }, flow)
  if (program.listens) player.listen()
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

/** What all parts of the code of one run share. */
interface Play {
  readonly program: Program
  readonly hands: Hands
  readonly children: Children
  /** What the code has gone on behind, by name. */
  readonly passed: string[]
}

/** Plays one part of the code, which asks for things by a flow of its own. */
class Player {
  readonly #play: Play
  readonly #flow: Flow
  readonly #lock: string | undefined

  /** @param lock the key under which it is played. */
  constructor(play: Play, flow: Flow, lock?: string) {
    this.#play = play
    this.#flow = flow
    this.#lock = lock
  }

  /** Sets what it answers to those who ask, and what it does for those who tell. */
  listen(): void {
    const done = new Set<number>()
    this.#flow.query('passed', () => this.#play.passed)
    const validate = ({ slot }: Change): void => {
      if (slot !== 0 && done.has(slot)) throw new Error(`slot ${slot} is taken`)
    }
    this.#flow.update('change', { validate }, async (change: Change) => {
      await this.#flow.step(`change ${change.id}`, (context) => this.#play.hands.changed(change, context))
      if (change.sleepMs > 0) await this.#flow.sleep(change.sleepMs)
      if (change.fails) throw new Error(changeFailure(change.id))
      done.add(change.slot)
      return { of: change.id }
    })
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
        this.#passed(`${op.ms}ms`)
        break
      case 'signal':
        await this.#listen(op)
        break
      case 'echo':
        await this.#flow.send(this.#flow.run, `${ECHO}${op.id}`, op.id)
        if ((await this.#flow.signal(`${ECHO}${op.id}`)) !== op.id) throw new Error(`no echo ${op.id}`)
        break
      case 'job':
        await this.#job(op)
        break
      case 'circle':
        await this.#circle()
        break
      case 'child':
        return this.#flow.call(this.#play.children.flow, {
          flow: childOf(this.#play.program.name, op.id),
          round: 0,
        })
      case 'mark':
        if (!this.#flow.patched(`patch ${op.id}`)) throw new Error(`patch ${op.id} is not taken`)
        if (this.#flow.now() <= 0 || this.#flow.random() < 0) throw new Error('no such moment')
        break
      case 'all':
        return this.#flow.all(op.branches.map((branch) => this.all(branch)))
      case 'race':
        await this.#race(op)
        break
      case 'lock':
        return this.#flow.lock(op.key, (own) => new Player(this.#play, own, op.key).all(op.body))
      case 'ask':
        await this.#question(op)
        break
      case 'try':
        return this.all(op.body).catch((error: unknown) => ({ caught: (error as Error).message }))
      case 'fail':
        throw new Error(writtenFailure(op.id))
    }
    return op.type
  }

  #passed(name: string): void {
    this.#play.passed.push(name)
    this.#play.hands.passed(name)
  }

  async #race({ branches, letsGo }: Op & { readonly type: 'race' }): Promise<void> {
    const racer = ([op]: readonly Op[]): Promise<unknown> =>
      letsGo
        ? this.#flow.branch((own) => new Player(this.#play, own, this.#lock).#one(op as Op))
        : this.#one(op as Op)
    await this.#flow.race(branches.map(racer))
  }

  async #step(op: Op & { readonly type: 'step' }): Promise<unknown> {
    const { hands } = this.#play
    const undo = op.hasUndo ? { undo: () => hands.undo(op) } : {}
    // one whose work takes no time answers at once, which is another way through the run than a promise is
    const call = (context: StepContext): unknown => {
      if (this.#lock !== undefined) hands.holds(this.#lock)
      const work = hands.step(op, context)
      return work === undefined ? this.#outcome(op, context) : work.then(() => this.#outcome(op, context))
    }
    const retry = { attempts: STEP_TRIES, min: 10, max: 2_000 }
    try {
      const value = await this.#flow.step(`step ${op.id}`, call, { retry, ...undo })
      this.#passed(`step ${op.id}`)
      return value
    } catch (error) {
      if ((error as Error).message === stepFailure(op.id)) this.#passed(`step ${op.id}`)
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
    this.#passed(name)
  }

  async #circle(): Promise<void> {
    const enqueue = { after: [this.#flow.run] }
    const refusal = await this.#flow
      .call(this.#play.children.job, {}, { enqueue })
      .catch((error: unknown) => error)
    if ((refusal as { code?: string }).code !== 'CYCLE') throw refusal
  }

  async #job(op: Op & { readonly type: 'job' }): Promise<void> {
    const { program, children } = this.#play
    const onClose = op.closes ? 'cancel' : 'abandon'
    const input = { of: program.name }
    if (op.isAwaited) await this.#flow.call(children.job, input, { onClose }).catch(() => {})
    else await this.#flow.start(children.job, input, { onClose })
  }

  /** Until somebody has answered, nobody has in time, or somebody has refused to. */
  async #question({ id, timeoutMs, escalateMs, isTold }: Op & { readonly type: 'ask' }): Promise<void> {
    const title = titleOf(id)
    const process = (answer: string): number => {
      this.#play.hands.answered(title, answer)
      if (isRefusal(answer)) throw rejectAnswer(answer)
      return id
    }
    const asked = this.#flow.human({
      ...{ title, process },
      ...(isTold ? { notify: () => {} } : {}),
      ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
      ...(escalateMs > 0 ? { escalate: { after: escalateMs, to: 'somebody else' } } : {}),
    })
    const value = await asked.catch((error: { readonly code?: string }) => {
      if (error.code !== 'CANCELLED') throw error
      return undefined
    })
    if (value !== undefined && value !== id) throw new Error(`the answer to ${title} is ${value}`)
  }
}
