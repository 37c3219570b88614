/** Faults that seeds do not draw hard enough: a node that dies all the time, and more work than can be done. */
import { expect, it } from 'vitest'
import { Random } from './random.ts'
import { runScenario } from './run.ts'
import { type Operation, type Scenario, scenarioOf } from './scenario.ts'
import { drawSwarm, type Swarm } from './swarm.ts'

const MINUTE_MS = 60_000
const LONG = { timeout: 2 * MINUTE_MS }

/** A quick world without faults or features, but for what is said. */
function worldOf(changes: Partial<Swarm>): Scenario {
  const drawn = drawSwarm(1, new Random('storms'))
  const quick = { clients: 2, commitMs: 2, networkMs: 2, heartbeatMs: 1_000, attempts: 3, backoffMs: 100 }
  return scenarioOf({ ...drawn, ...quick, store: 'file', faults: [], features: [], ...changes })
}

it('survives a storm of restarts under one name', LONG, async () => {
  const times = { durationMs: 15 * MINUTE_MS, faultEveryMs: 2_000, workMs: 500 }
  const storm = worldOf({ ...times, faults: ['nodeCrashes'], operations: 200, workers: 2, slots: 3 })
  let starts = 0
  const onLine = (line: string): void => {
    if (/ north\.\d+: start$/.test(line)) starts++
  }
  const { error, jobs } = await runScenario(storm, { onLine })
  expect(error).toBeUndefined()
  expect(starts).toBeGreaterThan(50)
  expect(jobs).toBeGreaterThan(50)
})

it(
  'gets over a minute of ten times too much work, though half of what it can do goes on coming',
  LONG,
  async () => {
    // two slots and two seconds each: one job a second is what it can do
    const world = worldOf({ durationMs: 9 * MINUTE_MS, operations: 0, workers: 1, slots: 2, workMs: 2_000 })
    const tape = [...every(100, 0, MINUTE_MS), ...every(4_000, MINUTE_MS, world.endMs)]
    const operations = tape.map((at, number): Operation => ({ number, at, caller: number % 2 }))
    const { error, jobs } = await runScenario({ ...world, operations })
    expect(error).toBeUndefined()
    expect(jobs).toBeGreaterThan(900)
  },
)

/** Moments so far apart, from one to another, ms. */
function every(ms: number, from: number, to: number): number[] {
  return Array.from({ length: Math.floor((to - from) / ms) }, (_, i) => from + i * ms)
}
