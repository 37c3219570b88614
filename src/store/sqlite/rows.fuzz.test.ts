/** The way of rows into the database and back: packed, committed, loaded, unpacked, they are what they were. */

import { expect, it } from 'vitest'
import { blankJob, type JobRow } from '../../core/model/job.ts'
import { RUNS } from '../../std/testdata/fuzz.ts'
import { fc } from '../../std/testdata/properties.ts'
import { type Batch, NO_LOAD } from '../store.ts'
import { Committer } from './commit.ts'
import { openOwner } from './connection.ts'
import { changedColumns, NUMBER_COLUMNS, TEXT_COLUMNS, unpackRows } from './job-columns.ts'
import { Loader } from './load.ts'
import { packBatch } from './pack.ts'

const number = fc.oneof(
  fc.constantFrom(0, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1),
  fc.maxSafeInteger(),
  fc.integer(),
)
/** Only the fairness tag is not whole. */
const turn = fc.oneof(
  number,
  fc.double({ noNaN: true, min: 0, max: 1e12 }).map((value) => value + 0),
)
/** Texts are JSON or made of ASCII: halves of characters never get this far. */
const column = fc.option(
  fc.oneof(
    fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed()),
    fc.constantFrom('', '\0', 'a\0b'),
  ),
)

const changes = fc.record(
  {
    ...Object.fromEntries(NUMBER_COLUMNS.map((field) => [field, field === 'turn' ? turn : number])),
    ...Object.fromEntries(TEXT_COLUMNS.map((field) => [field, column])),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Partial<JobRow>>

/** For each step, what becomes of some of ten jobs; undefined ends one. */
const steps = fc.array(
  fc.array(fc.tuple(fc.integer({ min: 1, max: 10 }), fc.option(changes, { nil: undefined, freq: 6 }))),
  {
    maxLength: 5,
  },
)

it('rows of any content', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const db = openOwner(':memory:')
      try {
        const committer = new Committer(db)
        const kept = new Map<number, JobRow>()
        db.exec('UPDATE shard SET epoch = 1')
        history.forEach((step, i) => {
          const jobs = changesOf(kept, step)
          committer.commit(packBatch(batchOf(i + 1, jobs)).packed)
        })
        const ids = Array.from({ length: 10 }, (_, i) => i + 1)
        const loaded = unpackRows(new Loader(db).load({ ...NO_LOAD, jobs: ids }).jobs)
        expect(loaded.toSorted((a, b) => a.id - b.id)).toEqual(
          [...kept.values()].toSorted((a, b) => a.id - b.id),
        )
      } finally {
        db.close()
      }
    }),
    RUNS,
  )
})

it('a column counts as changed exactly if it is', () => {
  fc.assert(
    fc.property(changes, changes, (one, other) => {
      const [a, b] = [one, other].map((change): JobRow => ({ ...blankJob(1, 1, 1), ...change })) as [
        JobRow,
        JobRow,
      ]
      const mask = [...NUMBER_COLUMNS, ...TEXT_COLUMNS].reduce(
        (sum, field, bit) => sum | (a[field] === b[field] ? 0 : 1 << bit),
        0,
      )
      expect(changedColumns(a, b)).toBe(mask)
    }),
    RUNS,
  )
})

/** Applies a step to what is kept; of several changes of one job the last one counts, as in a commit. */
function changesOf(
  kept: Map<number, JobRow>,
  step: readonly (readonly [number, Partial<JobRow> | undefined])[],
): Batch['jobs'] {
  return [...new Map(step)].flatMap(([id, change]) => {
    const before = kept.get(id)
    const after = change === undefined ? undefined : { ...(before ?? blankJob(id, 1, 1)), ...change }
    if (after === undefined) kept.delete(id)
    else kept.set(id, after)
    return before === undefined && after === undefined ? [] : [{ before, after }]
  })
}

function batchOf(sequence: number, jobs: Batch['jobs']): Batch {
  return {
    epoch: 1,
    sequence,
    nextJobId: 11,
    nextNameId: 1,
    time: 0,
    jobs,
    ...{ names: [], profiles: [], routes: [], queues: [], limits: [], fair: [], fairGone: [], holders: [] },
    ...{
      dependents: [],
      keys: [],
      keysGone: [],
      counts: [],
      attempts: [],
      payloads: [],
      logs: [],
      progress: [],
    },
    ...{ metadata: [], runs: [], journal: [], journalCuts: [], purged: [] },
  }
}
