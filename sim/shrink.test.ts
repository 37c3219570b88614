/** What shrinking leaves of a failing scenario; failures are made up here. */
import { describe, expect, it } from 'vitest'
import type { Failure } from './program/task.ts'
import { drawScenario, type Scenario } from './scenario.ts'
import { shrink } from './shrink.ts'

/** Fails with the given id whenever the scenario has what it takes. */
function failing(id: string, fails: (scenario: Scenario) => boolean, atMs: number) {
  return async (scenario: Scenario): Promise<Failure | undefined> =>
    fails(scenario)
      ? { id, kind: 'safety', statement: '', found: '', stack: '', tail: [], atMs, scenario }
      : undefined
}

/** A world with many faults. */
const scenario = ((): Scenario => {
  for (let seed = 1; ; seed++) {
    const drawn = drawScenario(seed)
    if (
      drawn.swarm.faults.includes('nodeCrashes') &&
      drawn.happenings.length > 8 &&
      drawn.operations.length > 60
    )
      return drawn
  }
})()
const [culprit] = scenario.operations.filter(({ at }) => at < scenario.endMs / 2)
const number = culprit?.number ?? 0

describe('shrinking', () => {
  it('leaves what the failure needs, and nothing else', async () => {
    const needs = ({ operations, swarm }: Scenario): boolean =>
      operations.some((one) => one.number === number) && swarm.faults.includes('nodeCrashes')
    const attempt = failing('D1', needs, scenario.endMs / 2)
    const first = (await attempt(scenario)) as Failure
    const small = await shrink(first, attempt)
    expect(small.scenario.operations.map((one) => one.number)).toEqual([number])
    expect(small.scenario.happenings).toEqual([])
    expect(small.scenario.swarm.faults).toEqual(['nodeCrashes'])
    expect(small.scenario.swarm.features).toEqual([])
    expect(small.scenario.endMs).toBe(scenario.endMs / 2)
    expect([small.scenario.swarm.workers, small.scenario.swarm.commitMs]).toEqual([1, 1])
  })

  it('does not take another failure for the one that it makes small', async () => {
    const attempt = async (tried: Scenario): Promise<Failure | undefined> => {
      const id = tried.operations.length === scenario.operations.length ? 'D1' : 'L9'
      return failing(id, () => true, scenario.endMs)(tried)
    }
    const small = await shrink((await attempt(scenario)) as Failure, attempt)
    expect(small.id).toBe('D1')
    expect(small.scenario.operations).toEqual(scenario.operations)
  })

  it('stops when its budget is spent', async () => {
    let runs = 0
    const attempt = async (tried: Scenario): Promise<Failure | undefined> => {
      runs++
      return failing('D1', () => true, scenario.endMs)(tried)
    }
    await shrink((await attempt(scenario)) as Failure, attempt, { runs: 5, ms: 60_000 })
    expect(runs).toBe(6)
  })
})
