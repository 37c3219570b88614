/** The real core keeps its invariants in everything that can happen to small worlds; and the checks can fail. */
import { describe, expect, it } from 'vitest'
import { Violation } from '../../sim/violation.ts'
import type { JobRow } from '../../src/core/model/job.ts'
import { CANCELLED, FAILED, READY, RUNNING, SUCCEEDED, WAITING } from '../../src/core/model/states.ts'
import type { Tables } from '../world/tables.ts'
import type { World } from '../world/world.ts'
import { checkTokens } from './checks.ts'
import { firstOf, movesFrom } from './moves.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { type Found, type Spoil, search } from './search.ts'

const scenario = (name: string): Scenario => SCENARIOS.find((one) => one.name === name) as Scenario
const NO_END = Number.POSITIVE_INFINITY

describe.each(SCENARIOS)('scenario $name', (one) => {
  it('keeps every invariant to a depth of 5', { timeout: 60_000 }, () => {
    const found = search(one, { depth: 5, until: NO_END })
    expect(found).toMatchObject({ depth: 5, isComplete: false, failure: undefined })
    expect(found.states).toBeGreaterThan(5_000)
  })
})

describe('a search', () => {
  it('ends where nothing new can happen', () => {
    const found = search({ name: 'empty', templates: [], first: [] }, { depth: 50, until: NO_END })
    expect(found).toMatchObject({ isComplete: true, failure: undefined })
  })

  it('stops when its time is over', () => {
    const found = search(scenario('limits'), { depth: 20, until: performance.now() - 1 })
    expect(found).toMatchObject({ depth: 0, isComplete: false, failure: undefined })
  })
})

/** Changes the rows that a move has changed. */
const rows =
  (change: (row: JobRow, was: JobRow | undefined) => JobRow): Spoil =>
  (before, after) =>
    withTables(after, {
      jobs: new Map(
        [...after.tables.jobs].map(([id, row]) => {
          const was = before.tables.jobs.get(id)
          return [id, row === was ? row : change(row, was)]
        }),
      ),
    })

const withTables = (world: World, tables: Partial<Tables>): World => ({
  ...world,
  tables: { ...world.tables, ...tables },
})

const isEnd = ({ state }: JobRow): boolean => state >= SUCCEEDED

/** What is spoilt, in which scenario, and which invariant it breaks. */
const SPOILS: readonly [id: string, what: string, scenario: string, Spoil][] = [
  [
    'L1',
    'two attempts run under one token',
    'limits',
    rows((row) => (row.nonce ? { ...row, nonce: 'n' } : row)),
  ],
  [
    'L3',
    'an ended attempt keeps its lease',
    'limits',
    rows((row) => (isEnd(row) ? { ...row, nonce: 'n' } : row)),
  ],
  ['L4', 'a number of an attempt is used again', 'limits', rows((row) => ({ ...row, attempt: 1 }))],
  ['L7', 'tries are not counted against the most', 'limits', rows((row) => ({ ...row, tries: 3 }))],
  [
    'L8',
    'a success becomes a failure',
    'limits',
    (before, after) =>
      withTables(after, {
        jobs: new Map(
          [...after.tables.jobs].map(([id, row]) => [
            id,
            before.tables.jobs.get(id)?.state === SUCCEEDED ? { ...row, state: FAILED } : row,
          ]),
        ),
      }),
  ],
  [
    'C1',
    'a full limit takes another holder',
    'limits-deep',
    (_, after) =>
      withTables(after, { limits: new Map([...after.tables.limits].map(([id]) => [id, { id, max: 0 }])) }),
  ],
  [
    'C2',
    'holders are not written',
    'limits',
    (before, after) => withTables(after, { holders: before.tables.holders }),
  ],
  [
    'C3',
    'an ended job keeps its slots',
    'limits',
    rows((row, was) => (isEnd(row) ? { ...row, taken: was?.taken ?? 0 } : row)),
  ],
  [
    'C4',
    'a holder waits for what it holds',
    'limits',
    rows((row) => (row.state === WAITING ? { ...row, taken: 0 } : row)),
  ],
  [
    'C5',
    'nobody is told of a slot that is free',
    'limits-deep',
    (before, after) => leaveWaiting(before, after),
  ],
  [
    'C6',
    'a later limit is not asked for',
    'limits',
    rows((row) => (row.state === READY ? { ...row, taken: 0 } : row)),
  ],
  [
    'K1',
    'a cancel is forgotten',
    'limits',
    rows((row, was) => (was?.cancelAt ? { ...row, cancelAt: 0 } : row)),
  ],
  [
    'K2',
    'a cancelled job stays in its line',
    'edges',
    rows((row, was) => (was?.state === READY && row.state === CANCELLED ? { ...was, cancelAt: 1 } : row)),
  ],
  [
    'W1',
    'a job runs before its dependencies',
    'edges',
    rows((row) => (row.state === RUNNING ? { ...row, pending: 1 } : row)),
  ],
  [
    'W2',
    'an edge is not settled',
    'edges',
    (before, after) => withTables(after, { dependents: union(before, after) }),
  ],
]

/** Slots are given back, and not handed on. */
function leaveWaiting(before: World, after: World): World {
  const jobs = new Map(after.tables.jobs)
  const holders = new Map(after.tables.holders)
  for (const [id, was] of before.tables.jobs) {
    if (was.state !== WAITING || jobs.get(id)?.state !== READY) continue
    jobs.set(id, was)
    for (const [limit, members] of holders) {
      if (before.tables.holders.get(limit)?.has(id) === true) continue
      holders.set(limit, new Map([...members].filter(([member]) => member !== id)))
    }
  }
  return withTables(after, { jobs, holders })
}

function union(before: World, after: World): Tables['dependents'] {
  const owners = new Set([...before.tables.dependents.keys(), ...after.tables.dependents.keys()])
  return new Map(
    [...owners].map((owner) => {
      const members = [before, after].flatMap(({ tables }) => [...(tables.dependents.get(owner) ?? [])])
      return [owner, new Map(members)]
    }),
  )
}

describe('the checks of a search find', () => {
  it.each(SPOILS)('%s: %s', (id, _, name, spoil) => {
    const { failure }: Found = search(scenario(name), { depth: 5, until: NO_END }, spoil)
    expect(failure?.error).toBeInstanceOf(Violation)
    expect(failure?.error).toHaveProperty('id', id)
    expect(failure?.way.length).toBeGreaterThan(0)
  })

  it('L2: a token that changes something', () => {
    const world = firstOf(scenario('limits-deep'))
    const leased = movesFrom(world, scenario('limits-deep')).find(({ name }) => name === 'lease far')
      ?.to as World
    const { id, attempt, nonce } = leased.tables.jobs
      .values()
      .find(({ state }) => state === RUNNING) as JobRow
    expect(() => checkTokens(leased, [{ job: id, attempt, nonce: 'another' }])).not.toThrow()
    expect(() => checkTokens(leased, [{ job: id, attempt, nonce: nonce as string }])).toThrow(/stale token/)
  })
})
