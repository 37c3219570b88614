/** A short run of the simulator: some hundred seeds are clean, and a seed is the same run every time. */
import { describe, expect, it } from 'vitest'
import { Random } from './random.ts'
import { runSeed } from './run.ts'
import { describeSwarm, drawSwarm, FAULTS } from './swarm.ts'

/** Seeds of one test; together they take about half a minute on a busy machine. */
const SEEDS_PER_TEST = 50

describe('simulator', () => {
  it.each([1, 51, 101, 151])('finds no violation in the 50 seeds from %i on', async (first) => {
    for (let seed = first; seed < first + SEEDS_PER_TEST; seed++) {
      const { error } = await runSeed(seed)
      expect(error, `npm run sim -- --seed ${seed}`).toBeUndefined()
    }
  })

  it('gives the same trace for the same seed, byte for byte', async () => {
    for (const seed of [7, 23, 84, 113, 297]) {
      const [one, other] = [await runSeed(seed), await runSeed(seed)]
      expect(other.digest).toBe(one.digest)
      expect(one.commits).toBeGreaterThan(0)
    }
  })

  it('draws another world for another seed, and every fault for some', () => {
    const swarms = Array.from({ length: 300 }, (_, seed) => drawSwarm(seed, new Random(`${seed}/swarm`)))
    expect(new Set(swarms.map(describeSwarm)).size).toBe(300)
    for (const fault of FAULTS) expect(swarms.some(({ faults }) => faults.includes(fault))).toBe(true)
  })
})
