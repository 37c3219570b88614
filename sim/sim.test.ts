/** Short runs of the simulator: seeds are clean, a seed is the same run every time, what failed once stays mended. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { REGRESSIONS, readRegression } from './program/report.ts'
import { runScenario, runSeed } from './run.ts'
import { drawScenario } from './scenario.ts'
import { describeSwarm, FAULTS } from './swarm.ts'

describe('simulator', () => {
  it('gives the same trace for the same seed, byte for byte', async () => {
    for (const seed of [7, 23, 84, 113, 297]) {
      const [one, other] = [await runSeed(seed), await runSeed(seed)]
      expect(other.digest).toBe(one.digest)
      expect(one.commits).toBeGreaterThan(0)
    }
  })

  it('draws another world for another seed, and every fault for some', () => {
    const swarms = Array.from({ length: 300 }, (_, seed) => drawScenario(seed).swarm)
    expect(new Set(swarms.map(describeSwarm)).size).toBe(300)
    for (const fault of FAULTS) expect(swarms.some(({ faults }) => faults.includes(fault))).toBe(true)
  })
})

const files = readdirSync(REGRESSIONS).filter((name) => name.endsWith('.json'))

describe('what failed once', () => {
  it.each(files)('%s is clean', async (file) => {
    const { scenario } = readRegression(join(REGRESSIONS, file))
    const { error } = await runScenario(scenario)
    expect(error, `npm run sim -- --replay sim/regressions/${file}`).toBeUndefined()
  })
})
