/**
 * Runs the rounds of one scenario, each in a folder of its own that is gone afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../sim/random.ts'
import type { Scenario } from './scenario.ts'

/** How rounds are run. */
export interface RunOptions {
  readonly rounds: number
  readonly seed: number
  /** The first round, default 1: to run one that failed again. */
  readonly from?: number
  /** Hears of each round that is over. */
  readonly onRound?: (number: number) => void
}

/** What was counted over all rounds. */
export type Counts = ReadonlyMap<string, number>

/**
 * @throws what the scenario threw, with `round` added to an Error
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Counts> {
  const { rounds, seed, from = 1, onRound } = options
  const counts = new Map<string, number>()
  const count = (what: string, much = 1): void => void counts.set(what, (counts.get(what) ?? 0) + much)
  for (let number = from; number < from + rounds; number++) {
    const folder = mkdtempSync(join(tmpdir(), 'perdure-crash-'))
    const random = new Random(`${seed}/${scenario.name}/${number}`)
    try {
      await scenario.run({ number, folder, random, count })
    } catch (error) {
      if (error instanceof Error) Object.assign(error, { round: number })
      throw error
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    onRound?.(number)
  }
  return counts
}
