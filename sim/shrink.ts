/**
 * Shrink: makes a failing scenario small, while it goes on violating the same invariant. First the tape is cut
 * behind the violation, then kinds of faults, features, operations and happenings are left out, then numbers
 * are lowered; again and again, until nothing more can go.
 */
import type { Failure } from './program/task.ts'
import type { Scenario } from './scenario.ts'
import type { Swarm } from './swarm.ts'

/** Runs a scenario and tells how it failed. */
export type Try = (scenario: Scenario) => Promise<Failure | undefined>

/** What a search may use. */
export interface Budget {
  readonly runs: number
  readonly ms: number
}

/** Enough for most; a failure that needs more is small enough by then. */
const BUDGET: Budget = { runs: 400, ms: 60_000 }

/** The smallest scenario that was found, as the failure that it leads to. */
export async function shrink(failure: Failure, attempt: Try, budget = BUDGET): Promise<Failure> {
  const search = new Search(failure, attempt, budget)
  let before: number
  do {
    before = sizeOf(search.best.scenario)
    await search.cut()
    await search.dropNames()
    await search.dropEntries('happenings')
    await search.dropEntries('operations')
    await search.lowerNumbers()
  } while (sizeOf(search.best.scenario) < before && !search.isSpent)
  return search.best
}

/** How large a scenario is, for telling whether a round made it smaller. */
function sizeOf({ swarm, operations, happenings, endMs }: Scenario): number {
  const names = swarm.faults.length + swarm.features.length
  const numbers = LOWERED.reduce((sum, { field }) => sum + swarm[field], 0)
  return operations.length + happenings.length + names + (numbers + endMs) / 1e12
}

type NumberField = { [K in keyof Swarm]: Swarm[K] extends number ? K : never }[keyof Swarm]

/** Numbers to lower, and how far. */
const LOWERED: readonly { readonly field: NumberField; readonly least: number }[] = [
  { field: 'workers', least: 1 },
  { field: 'slots', least: 1 },
  { field: 'clients', least: 1 },
  { field: 'attempts', least: 1 },
  { field: 'limitMax', least: 1 },
  { field: 'commitMs', least: 1 },
  { field: 'networkMs', least: 1 },
  { field: 'workMs', least: 1 },
  { field: 'backoffMs', least: 1 },
]

class Search {
  best: Failure
  readonly #attempt: Try
  readonly #budget: Budget
  readonly #until: number
  #runs = 0

  constructor(failure: Failure, attempt: Try, budget: Budget) {
    this.best = failure
    this.#attempt = attempt
    this.#budget = budget
    this.#until = performance.now() + budget.ms
  }

  get isSpent(): boolean {
    return this.#runs >= this.#budget.runs || performance.now() > this.#until
  }

  /** Takes a scenario if it fails in the same way. */
  async #take(scenario: Scenario): Promise<boolean> {
    if (this.isSpent) return false
    this.#runs++
    const failure = await this.#attempt(scenario)
    if (failure === undefined || failure.id !== this.best.id) return false
    this.best = failure
    return true
  }

  /** Nothing that comes after the violation matters, unless it came at rest. */
  async cut(): Promise<void> {
    const { atMs, scenario } = this.best
    const endMs = Math.min(scenario.endMs, atMs)
    const isBefore = ({ at }: { readonly at: number }): boolean => at <= atMs
    const operations = scenario.operations.filter(isBefore)
    const happenings = scenario.happenings.filter(isBefore)
    const isLess =
      operations.length + happenings.length < scenario.operations.length + scenario.happenings.length
    if (isLess || endMs < scenario.endMs) await this.#take({ ...scenario, operations, happenings, endMs })
  }

  /** Leaves out kinds of faults and features. */
  async dropNames(): Promise<void> {
    for (const fault of this.best.scenario.swarm.faults) {
      const { scenario } = this.best
      const faults = scenario.swarm.faults.filter((one) => one !== fault)
      const happenings = scenario.happenings.filter((one) => one.fault !== fault)
      await this.#take({ ...scenario, swarm: { ...scenario.swarm, faults }, happenings })
    }
    for (const feature of this.best.scenario.swarm.features) {
      const { scenario } = this.best
      const features = scenario.swarm.features.filter((one) => one !== feature)
      await this.#take({ ...scenario, swarm: { ...scenario.swarm, features } })
    }
  }

  /** Leaves out entries of the tape: large parts first, then smaller ones. */
  async dropEntries(tape: 'operations' | 'happenings'): Promise<void> {
    for (let size = this.best.scenario[tape].length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < this.best.scenario[tape].length && !this.isSpent; ) {
        const { scenario } = this.best
        const entries = scenario[tape].filter((_, i) => i < at || i >= at + size)
        if (!(await this.#take({ ...scenario, [tape]: entries }))) at += size
      }
    }
  }

  async lowerNumbers(): Promise<void> {
    for (const { field, least } of LOWERED) {
      const { scenario } = this.best
      const value = scenario.swarm[field]
      for (const lower of new Set([least, Math.ceil(value / 4), Math.ceil(value / 2)])) {
        if (lower >= value) continue
        if (await this.#take({ ...scenario, swarm: { ...scenario.swarm, [field]: lower } })) break
      }
    }
  }
}
