/**
 * Journals: rows of runs are kept in order, told by pages, cut, copied from payloads, and gone with their job.
 */
import { describe, expect, it } from 'vitest'
import {
  BROKEN,
  CANCEL,
  CHILD,
  childName,
  DONE,
  type EntryState,
  type JournalRow,
  LOCK,
  OPEN,
  type RunRow,
  STEP,
  TIMER,
  WITHDRAW,
} from '../../core/model/journal.ts'
import { type MakeStore, Subject } from './subject.suite.ts'
import { enqueued, job, removed, WORLD } from './world.suite.ts'

const row = (run: number, sequence: number, changes: Partial<JournalRow> = {}): JournalRow => ({
  run,
  sequence,
  position: sequence,
  kind: STEP,
  state: DONE,
  name: 'step',
  value: '1',
  at: 7,
  copyOf: 0,
  ...changes,
})
const runRow = (id: number, changes: Partial<RunRow> = {}): RunRow => ({
  job: id,
  length: 0,
  start: 0,
  origin: 0,
  waits: null,
  inbox: null,
  news: 0,
  ...changes,
})

export function journalSuite(make: MakeStore): void {
  describe('journals', () => {
    it('are read in order from any place, and tell how long they are', async () => {
      const subject = await Subject.open(make)
      const rows = Array.from({ length: 70 }, (_, sequence) => row(1, sequence))
      const other = row(2, 0, { value: null, name: '' })
      await subject.commit({ ...WORLD, ...enqueued([job(1), job(2), job(3)]), journal: [...rows, other] })
      expect(await subject.reads.journal(1, 68)).toEqual({
        rows: rows.slice(68),
        next: 70,
        isEnd: true,
        origin: 0,
      })
      expect(await subject.reads.journal(3, 0)).toEqual({ rows: [], next: 0, isEnd: true, origin: 0 })
      const { runs } = await subject.load({ runs: [1, 2, 3] })
      expect(runs).toEqual([runRow(1, { length: 70 }), runRow(2, { length: 1 })])
    })

    it('lose the rows before the start of their run, and go on counting', async () => {
      const subject = await Subject.open(make)
      const started = runRow(1, { start: 2, origin: 1, inbox: '[{"name":"a","value":null}]' })
      const journal = [row(1, 0), row(1, 1)]
      const journalCuts = [{ run: 1, before: 2, failures: false }]
      await subject.commit({ ...WORLD, ...enqueued([job(1)]), runs: [started], journal, journalCuts })
      expect(await subject.reads.journal(1, 0)).toEqual({ rows: [], next: 2, isEnd: true, origin: 1 })
      expect((await subject.load({ runs: [1] })).runs).toEqual([{ ...started, length: 2 }])
    })

    it('lose steps and children that failed, each with all of its rows, and a cancel, and give their numbers to nobody', async () => {
      const subject = await Subject.open(make)
      const kept = [row(1, 0), row(1, 2, { position: 9, kind: CHILD, state: OPEN, value: '6' })]
      const failed = [
        row(1, 1, { state: OPEN, value: '{}' }),
        row(1, 3, { position: 3, kind: CHILD, state: OPEN, value: '5' }),
        row(1, 4, { position: 3, kind: CHILD, state: BROKEN, name: childName(5) }),
        row(1, 5, { position: 1, kind: TIMER, value: null }),
        row(1, 6, { position: 1, state: BROKEN }),
        row(1, 7, { position: 4, kind: LOCK, state: OPEN, value: '8' }),
        row(1, 8, { position: 5, kind: WITHDRAW, value: '[4]' }),
        row(1, 9, { position: -1, kind: CANCEL }),
      ]
      const cut = { runs: [runRow(1, { start: 10 })], journalCuts: [{ run: 1, before: 0, failures: true }] }
      await subject.commit({ ...WORLD, ...enqueued([job(1)]), journal: [...kept, ...failed], ...cut })
      expect(await subject.reads.journal(1, 0)).toEqual({ rows: kept, next: 10, isEnd: true, origin: 0 })
      expect((await subject.load({ runs: [1] })).runs).toEqual([runRow(1, { start: 10, length: 10 })])
    })

    it('keep where locks were got, which are to be got again there, and lose those that were not', async () => {
      const subject = await Subject.open(make)
      const lock = (sequence: number, position: number, state: EntryState, value: string | null = null) =>
        row(1, sequence, { position, kind: LOCK, state, value })
      const journal = [lock(0, 0, OPEN, '7'), lock(1, 1, OPEN, '8'), lock(2, 0, DONE), lock(3, 2, OPEN, '9')]
      await subject.commit({ ...WORLD, ...enqueued([job(1)]), journal: [...journal, lock(4, 2, DONE)] })
      const journalCuts = [{ run: 1, before: 0, failures: true }]
      await subject.commit({ journalCuts })
      const kept = [lock(0, 0, OPEN), lock(2, 0, DONE), lock(3, 2, OPEN), lock(4, 2, DONE)]
      expect((await subject.reads.journal(1, 0)).rows).toEqual(kept)
      // got again, or asked for again: the first time stands
      const again = [lock(6, 0, OPEN, '11'), lock(7, 0, DONE), lock(8, 2, OPEN, '12'), lock(9, 3, BROKEN)]
      await subject.commit({ journal: again, journalCuts })
      expect((await subject.reads.journal(1, 0)).rows).toEqual(kept)
    })

    it('keep a step at whose position a job failed that an earlier beginning of the run had asked for', async () => {
      const subject = await Subject.open(make)
      const kept = [
        row(1, 0),
        row(1, 2, { position: 1, kind: CHILD, state: OPEN, value: '6' }),
        row(1, 4, { position: 1, kind: CHILD, name: childName(6) }),
      ]
      const late = [
        row(1, 1, { position: 0, kind: CHILD, state: BROKEN, name: childName(4) }),
        row(1, 3, { position: 1, kind: CHILD, state: BROKEN, name: childName(5) }),
      ]
      const journal = [...kept, ...late].toSorted((a, b) => a.sequence - b.sequence)
      const journalCuts = [{ run: 1, before: 0, failures: true }]
      await subject.commit({ ...WORLD, ...enqueued([job(1)]), journal, journalCuts })
      expect((await subject.reads.journal(1, 0)).rows).toEqual(kept)
    })

    it('hold a copy of a large result, which outlives it', async () => {
      const subject = await Subject.open(make)
      const payloads = [{ job: 2, field: 'result', text: '"large"' }] as const
      const journal = [row(1, 0, { kind: CHILD, value: null, copyOf: 2 })]
      await subject.commit({ ...WORLD, ...enqueued([job(1), job(2)]), payloads, journal })
      await subject.commit({ ...removed(job(2)), purged: [2] })
      expect((await subject.reads.journal(1, 0)).rows).toEqual([row(1, 0, { kind: CHILD, value: '"large"' })])
    })

    it('are gone with their job', async () => {
      const subject = await Subject.open(make)
      const runs = [runRow(1, { waits: '[]' })]
      await subject.commit({ ...WORLD, ...enqueued([job(1)]), runs, journal: [row(1, 0)] })
      await subject.commit({ ...removed(job(1)), purged: [1] })
      expect((await subject.reads.journal(1, 0)).rows).toEqual([])
      expect((await subject.load({ runs: [1] })).runs).toEqual([])
    })
  })
}
