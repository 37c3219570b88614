/**
 * What a supervisor decides: who is started, who is stopped, and when it gives up. Pure: told what happened and what
 * time it is, it answers what to do.
 *
 * Owns: the strategies. Children start in their order and stop in the opposite one, one after another, and nothing
 * starts while anything is being stopped. Never does: starting, stopping, waiting (see supervisor.ts).
 */
import { type BudgetOptions, RestartBudget } from './budget.ts'

/**
 * Who is started anew when one child has failed: itself; all; itself and those that come after it, for they were
 * started upon it.
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** Which ends are followed by a new start: every one; failures only; none. */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** What to do next. */
export type Action =
  | { readonly type: 'start'; readonly child: number }
  | { readonly type: 'stop'; readonly child: number }
  /** Nothing runs any more and nothing will. */
  | { readonly type: 'end'; readonly why: 'done' | 'stopped' | 'failed' }

type ChildState = 'down' | 'running' | 'stopping' | 'ended'

interface Child {
  readonly restart: Restart
  state: ChildState
  /** To be stopped as soon as it is its turn. */
  isUnwanted: boolean
  /** When it is to be started, where it is down. */
  startAt: number
}

/** The decisions of one supervisor. */
export class SupervisionPlan {
  readonly #strategy: Strategy
  readonly #children: readonly Child[]
  readonly #budget: RestartBudget
  #phase: 'working' | 'stopped' | 'failed' | 'over' = 'working'

  constructor(strategy: Strategy, restarts: readonly Restart[], budget: BudgetOptions = {}) {
    this.#strategy = strategy
    this.#children = restarts.map((restart) => ({ restart, state: 'down', isUnwanted: false, startAt: 0 }))
    this.#budget = new RestartBudget(budget)
  }

  /** The states of the children, in order. */
  get states(): readonly ChildState[] {
    return this.#children.map(({ state }) => state)
  }

  /** When to ask again (`next`) although nothing has happened; Infinity for never. */
  get wakeAt(): number {
    if (this.#isStopping()) return Number.POSITIVE_INFINITY
    return Math.min(
      ...this.#children.map(({ state, startAt }) => (state === 'down' ? startAt : Infinity)),
      Infinity,
    )
  }

  /** A child has ended, by itself or because it was stopped. */
  exited(index: number, hasFailed: boolean, now: number, random: number): void {
    const child = this.#children[index] as Child
    const wasAsked = child.state === 'stopping'
    child.isUnwanted = false
    child.state = 'down'
    const again = child.restart === 'permanent' || (child.restart === 'transient' && (hasFailed || wasAsked))
    if (this.#phase !== 'working' || !again) {
      child.state = 'ended'
    } else if (!wasAsked) {
      const delay = this.#budget.spend(now, random)
      if (delay === undefined) this.#giveUp('failed')
      else this.#restart(index, now + delay)
    }
  }

  /** Ends everything. */
  stop(): void {
    if (this.#phase === 'working') this.#giveUp('stopped')
  }

  #giveUp(phase: 'stopped' | 'failed'): void {
    this.#phase = phase
    for (const child of this.#children) {
      if (child.state === 'down') child.state = 'ended'
      else if (child.state === 'running') child.isUnwanted = true
    }
  }

  #restart(index: number, at: number): void {
    for (const [other, child] of this.#children.entries()) {
      const isAffected =
        other === index ||
        this.#strategy === 'one-for-all' ||
        (this.#strategy === 'rest-for-one' && other > index)
      if (!isAffected || child.state === 'ended') continue
      child.isUnwanted = child.state === 'running'
      child.startAt = Math.max(child.startAt, at)
    }
  }

  /** What to do now; asked until it answers nothing. */
  next(now: number): Action | undefined {
    if (this.#phase === 'over') return undefined
    if (this.#isStopping()) {
      if (this.#children.some(({ state }) => state === 'stopping')) return undefined
      const child = this.#children.findLastIndex(({ isUnwanted }) => isUnwanted)
      const stopped = this.#children[child] as Child
      stopped.state = 'stopping'
      stopped.isUnwanted = false
      return { type: 'stop', child }
    }
    const due = this.#children.findIndex(({ state, startAt }) => state === 'down' && startAt <= now)
    if (due >= 0) {
      const child = this.#children[due] as Child
      child.state = 'running'
      return { type: 'start', child: due }
    }
    if (this.#children.some(({ state }) => state !== 'ended')) return undefined
    const why = this.#phase === 'working' ? 'done' : this.#phase
    this.#phase = 'over'
    return { type: 'end', why }
  }

  #isStopping(): boolean {
    return this.#children.some(({ state, isUnwanted }) => state === 'stopping' || isUnwanted)
  }
}
