/**
 * What a scenario is: one kind of fault, done to real processes in rounds, each in a folder of its own.
 */
import type { Random } from '../sim/random.ts'
import type { Need } from './machine.ts'

/** What one round gets. */
export interface Round {
  /** From 1. */
  readonly number: number
  /** Empty at the beginning, and gone afterwards. */
  readonly folder: string
  /** Everything that is drawn; how processes interleave is up to the machine. */
  readonly random: Random
  /** Counts something for the summary, such as `acknowledged`. */
  count(what: string, much?: number): void
}

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly needs: readonly Need[]
  /** Rejects with a Violation or with Stuck; anything else is a crash of the scenario itself. */
  run(round: Round): Promise<void>
}
