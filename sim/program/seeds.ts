/**
 * Seeds: simulates many, in order, several at once; stops at the first that fails. Which one that is does not
 * depend on how many run at once.
 */
import type { Scenario } from '../scenario.ts'
import type { Failure, Outcome } from './task.ts'

/** What all seeds together did. */
export interface Sum {
  seeds: number
  hours: number
  events: number
  commits: number
  jobs: number
}

export interface Campaign {
  /** The scenario of a seed. */
  readonly scenarioOf: (seed: number) => Scenario
  readonly run: (scenario: Scenario) => Promise<Outcome>
  readonly first: number
  /** Whether a seed is not to be begun any more. */
  readonly isOver: (seed: number) => boolean
  /** How many run at once. */
  readonly jobs: number
  /** Hears of every seed that has ended, with what all together have done so far. */
  readonly onSeed?: (sum: Readonly<Sum>) => void
}

/** Runs seeds until one fails, or until it is over. */
export async function runSeeds(campaign: Campaign): Promise<{ sum: Sum; failure: Failure | undefined }> {
  const { scenarioOf, run, first, isOver, jobs, onSeed } = campaign
  const sum: Sum = { seeds: 0, hours: 0, events: 0, commits: 0, jobs: 0 }
  let next = first
  const failed: Outcome[] = []
  const work = async (): Promise<void> => {
    while (failed.length === 0 && !isOver(next)) {
      const outcome = await run(scenarioOf(next++))
      sum.seeds++
      sum.hours += outcome.hours
      sum.events += outcome.events
      sum.commits += outcome.commits
      sum.jobs += outcome.jobs
      onSeed?.(sum)
      if (outcome.failure !== undefined) failed.push(outcome)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  // all seeds before one that failed had begun before it, and were waited for
  failed.sort((a, b) => a.seed - b.seed)
  return { sum, failure: failed[0]?.failure }
}
