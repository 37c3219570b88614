/** Programs: a name tells its program, everything that there is to do is drawn, and what must come of it is known. */
import { describe, expect, it } from 'vitest'
import { runSeed } from '../run.ts'
import { drawScenario } from '../scenario.ts'
import { OF_RUNS } from '../swarm.ts'
import { looks } from '../violation.ts'
import { childOf, endOf, type Op, Programs } from './program.ts'

const drawn = drawScenario(1).swarm
const swarm = { ...drawn, features: [...drawn.features, ...OF_RUNS] }
const names = Array.from({ length: 200 }, (_, call) => `${call}.0`)

function typesOf(ops: readonly Op[]): string[] {
  return ops.flatMap((op) => {
    const inner = 'branches' in op ? op.branches.flat() : 'body' in op ? op.body : []
    return [op.type, ...typesOf(inner)]
  })
}

describe('programs', () => {
  it('are the same under the same name, and others in another world', () => {
    const [one, other, elsewhere] = [swarm, swarm, drawScenario(2).swarm].map((each) => new Programs(each))
    expect(names.map((name) => other?.get(name))).toEqual(names.map((name) => one?.get(name)))
    expect(elsewhere?.get('0.0')).not.toEqual(one?.get('0.0'))
  })

  it('do everything that there is to do, succeed, fail, begin anew, and call others', () => {
    const programs = new Programs(swarm)
    const all = names.map((name) => programs.get(name))
    const types = new Set(all.flatMap(({ ops }) => typesOf(ops)))
    const known = [
      'all',
      'ask',
      'child',
      'circle',
      'echo',
      'fail',
      'job',
      'lock',
      'mark',
      'race',
      'signal',
      'sleep',
      'step',
      'try',
    ]
    expect([...types].sort()).toEqual(known)
    const ends = names.map((name) => endOf(programs, name))
    expect(ends.filter((end) => 'value' in end).length).toBeGreaterThan(50)
    expect(ends.filter((end) => 'failure' in end).length).toBeGreaterThan(20)
    expect(all.some(({ rounds }) => rounds > 0)).toBe(true)
    expect(new Set(all.map(({ listens }) => listens)).size).toBe(2)
    // Calls come to an end: no program of the lowest level calls another.
    const deepest = childOf(childOf('0.0', 1), 1)
    expect(typesOf(programs.get(deepest).ops)).not.toContain('child')
  })

  it('give under faults what they give without', { timeout: 60_000 }, async () => {
    const before = looks.W5
    for (const seed of [164, 22, 71]) expect((await runSeed(seed)).error).toBeUndefined()
    expect(looks.W5 - before).toBeGreaterThan(500)
  })
})
