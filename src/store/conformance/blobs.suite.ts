/**
 * Large values: kept once however many rows have them, and gone with the last of those, whatever becomes of each commit.
 */
import { describe, expect, it } from 'vitest'
import { type JobRow, LARGE_INPUT, LARGE_RESULT } from '../../core/model/job.ts'
import { CHILD, childName, DONE, type JournalRow, STEP } from '../../core/model/journal.ts'
import type { PayloadRow } from '../../core/model/rows.ts'
import { SUCCEEDED } from '../../core/model/states.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import { LEAST_BLOB } from '../blobs.ts'
import type { Batch } from '../store.ts'
import { type MakeStore, type StoreTraits, Subject } from './subject.suite.ts'
import { changed, countsOf, enqueued, jobIn, removed, WORLD } from './world.suite.ts'

/** A long text of which there is no other. Not all of its characters are one byte each. */
const large = (name: string): string => JSON.stringify(name.padEnd(LEAST_BLOB, '\u00e9'))
const SHORT = JSON.stringify('x'.repeat(LEAST_BLOB - 3))

const job = (id: number, flags = 0): JobRow => jobIn(SUCCEEDED, id, { flags })

const step = (run: number, sequence: number, value: string | null): JournalRow => {
  return { run, sequence, position: sequence, kind: STEP, state: DONE, name: 's', value, at: 7, copyOf: 0 }
}
/** How the job of a child ended, with the large result of it. */
const end = (run: number, sequence: number, child: number): JournalRow => {
  return { ...step(run, sequence, null), kind: CHILD, name: childName(child), copyOf: child }
}

const payload = (id: number, field: PayloadRow['field'], text: string | null): PayloadRow => {
  return { job: id, field, text }
}

/** How many large values there are, when nothing contradicts them. */
async function blobs(subject: Subject): Promise<unknown> {
  expect(await subject.reads.check()).toEqual([])
  return (await subject.reads.info()).blobs
}

async function values(subject: Subject, run: number): Promise<(string | null)[]> {
  return (await subject.reads.journal(run, 0)).rows.map(({ value }) => value)
}

const purge = (row: JobRow): Partial<Batch> => {
  return { jobs: [removed(row)], counts: countsOf([row], -1), purged: [row.id] }
}

export function blobsSuite(make: MakeStore, { keepsData = true }: StoreTraits): void {
  describe('large values', () => {
    it('are kept once for all rows that have them, until the last of those is gone', async () => {
      const subject = await Subject.open(make)
      const rows = [job(1), job(2, LARGE_INPUT | LARGE_RESULT), job(3, LARGE_INPUT)]
      const text = large('same')
      await subject.commit({
        ...WORLD,
        ...enqueued(rows),
        payloads: [payload(2, 'input', text), payload(2, 'result', text), payload(3, 'input', text)],
        journal: [step(1, 0, SHORT), step(1, 1, text), step(1, 2, null), end(1, 3, 2)],
      })
      expect(await values(subject, 1)).toEqual([SHORT, text, null, text])
      expect([await subject.reads.payload(2, 'input'), await subject.reads.payload(3, 'input')]).toEqual([
        text,
        text,
      ])
      expect((await subject.reads.details(2))?.result).toBe(text)
      expect(await blobs(subject)).toBe(1)
      await subject.commit(purge(rows[1] as JobRow))
      await subject.commit(purge(rows[2] as JobRow))
      expect(await values(subject, 1)).toEqual([SHORT, text, null, text])
      expect(await blobs(subject)).toBe(1)
      await subject.commit(purge(rows[0] as JobRow))
      expect(await blobs(subject)).toBe(0)
    })

    it('are let go of when others take their place, and when nothing does', async () => {
      const subject = await Subject.open(make)
      const row = job(1, LARGE_RESULT)
      await subject.commit({
        ...WORLD,
        ...enqueued([row]),
        payloads: [payload(1, 'result', large('first')), payload(1, 'result', large('second'))],
      })
      expect(await blobs(subject)).toBe(1)
      await subject.commit({
        payloads: [payload(1, 'result', null), payload(1, 'result', large('third'))],
      })
      expect(await subject.reads.payload(1, 'result')).toBe(large('third'))
      expect(await blobs(subject)).toBe(1)
      await subject.commit({ jobs: [changed(row, job(1))], payloads: [payload(1, 'result', null)] })
      expect(await subject.reads.payload(1, 'result')).toBeNull()
      expect(await blobs(subject)).toBe(0)
    })

    it('are gone with the rows that are cut out of a journal', async () => {
      const subject = await Subject.open(make)
      const broken: JournalRow = { ...step(1, 3, large('error')), state: 2 }
      const journal = [step(1, 0, large('a')), step(1, 1, large('b')), step(1, 2, large('b')), broken]
      await subject.commit({ ...WORLD, ...enqueued([job(1)]), journal })
      expect(await blobs(subject)).toBe(3)
      await subject.commit({ journalCuts: [{ run: 1, before: 0, failures: true }] })
      expect(await blobs(subject)).toBe(2)
      // What was cut away is written again in the same commit, further behind.
      const again = {
        journal: [step(1, 4, large('a'))],
        journalCuts: [{ run: 1, before: 2, failures: false }],
      }
      await subject.commit(again)
      expect(await values(subject, 1)).toEqual([large('b'), large('a')])
      expect(await blobs(subject)).toBe(2)
      await subject.commit({ journalCuts: [{ run: 1, before: 5, failures: false }] })
      expect(await blobs(subject)).toBe(0)
    })

    it('are as they were when a commit is refused', async () => {
      const subject = await Subject.open(make)
      const row = job(1, LARGE_INPUT)
      const payloads = [payload(1, 'input', large('a'))]
      await subject.commit({ ...WORLD, ...enqueued([row]), payloads })
      const refused = subject.batch({ ...purge(row), journal: [step(1, 0, large('b'))] })
      const late = { ...refused, sequence: refused.sequence + 1 }
      await expect(subject.store.commit(late)).rejects.toMatchObject({ code: 'FENCED' })
      await subject.reopen()
      expect(await blobs(subject)).toBe(1)
      await subject.commit({ journal: [step(1, 0, large('a'))] })
      await subject.commit(purge(row))
      expect(await blobs(subject)).toBe(0)
    })

    it('are exactly those that rows have, each counted once per row, after any history', async () => {
      const subject = await Subject.open(make)
      await subject.commit({ ...WORLD })
      const world = new World()
      await fc.assert(
        fc.asyncProperty(fc.array(commit, { maxLength: 6 }), fc.boolean(), async (commits, restarts) => {
          for (const changes of commits) await subject.commit(world.batch(changes))
          if (restarts && keepsData) await subject.restart()
          expect(await blobs(subject)).toBe(world.distinct().size)
          for (const run of RUNS) expect(await values(subject, run)).toEqual(world.valuesOf(run))
        }),
        // Not shrunk: a history goes on where the one before it ended.
        { ...times(25), endOnFailure: true },
      )
    })
  })
}

const RUNS = [1, 2, 3]
/** By names, so that a counterexample can be read. */
const TEXTS = { a: large('a'), b: large('b'), c: large('c'), short: SHORT, none: null }
const text = fc.constantFrom('a' as const, 'b' as const, 'c' as const, 'short' as const, 'none' as const)
const run = fc.constantFrom(...RUNS)
const field = fc.constantFrom('input' as const, 'result' as const)

/** One change of what a job refers to, in a form that fits whatever is there. */
const change = fc.oneof(
  fc.record({ type: fc.constant('payload' as const), run, field, text }),
  fc.record({ type: fc.constant('step' as const), run, text }),
  fc.record({ type: fc.constant('copy' as const), run, of: run }),
  fc.record({ type: fc.constant('cut' as const), run, keep: fc.nat(3) }),
  fc.record({ type: fc.constant('purge' as const), run }),
)
const commit = fc.array(change, { maxLength: 6 })
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

interface Known {
  row: JobRow
  readonly payloads: Map<PayloadRow['field'], string>
  journal: JournalRow[]
}

/** Jobs with their payloads and journals as plain rows, which also make the batches. */
class World {
  readonly #jobs = new Map<number, Known>()
  readonly #stored = new Map<number, JobRow>()
  #sequence = 0

  /** What the changes come to in the order of a commit: payloads, then journals, cuts, and what goes altogether. */
  batch(changes: readonly Change[]): Partial<Batch> {
    const of = <T extends Change['type']>(type: T) =>
      changes.filter((each): each is Extract<Change, { type: T }> => each.type === type)
    const payloads = of('payload').map((each) => this.#put(each))
    const journal = [
      ...of('step').map((each) => this.#append(each.run, step(each.run, this.#sequence++, TEXTS[each.text]))),
      ...of('copy').flatMap((each) => this.#copy(each.run, each.of)),
    ]
    const journalCuts = of('cut').map((each) => this.#cut(each.run, each.keep))
    const purged = [...new Set(of('purge').map((each) => each.run))].filter((id) => this.#jobs.delete(id))
    return { payloads, journal, journalCuts, purged, ...this.#rows() }
  }

  #known(id: number): Known {
    const known = this.#jobs.get(id) ?? { row: job(id), payloads: new Map(), journal: [] }
    this.#jobs.set(id, known)
    return known
  }

  #put({ run: id, field: name, text: given }: Extract<Change, { type: 'payload' }>): PayloadRow {
    const value = TEXTS[given]
    const known = this.#known(id)
    const flag = name === 'input' ? LARGE_INPUT : LARGE_RESULT
    if (value === null) known.payloads.delete(name)
    else known.payloads.set(name, value)
    known.row = { ...known.row, flags: value === null ? known.row.flags & ~flag : known.row.flags | flag }
    return payload(id, name, value)
  }

  #append(id: number, row: JournalRow): JournalRow {
    this.#known(id).journal.push(row)
    return row
  }

  #copy(id: number, of: number): JournalRow[] {
    const value = this.#jobs.get(of)?.payloads.get('result')
    if (value === undefined) return []
    const row = end(id, this.#sequence++, of)
    this.#append(id, { ...row, value })
    return [row]
  }

  #cut(id: number, keep: number): Batch['journalCuts'][number] {
    const known = this.#known(id)
    const before = known.journal.at(-keep - 1)?.sequence ?? 0
    known.journal = known.journal.filter(({ sequence }) => sequence >= before)
    return { run: id, before, failures: false }
  }

  #rows(): Pick<Batch, 'jobs' | 'counts'> {
    const jobs: Batch['jobs'][number][] = []
    const counts: Batch['counts'][number][] = []
    for (const id of RUNS) {
      const [before, after] = [this.#stored.get(id), this.#jobs.get(id)?.row]
      if (before === after) continue
      jobs.push({ before, after })
      if (before !== undefined) counts.push(...countsOf([before], -1))
      if (after !== undefined) counts.push(...countsOf([after]))
      if (after === undefined) this.#stored.delete(id)
      else this.#stored.set(id, after)
    }
    return { jobs, counts }
  }

  /** The large texts of all rows. */
  distinct(): Set<string> {
    const all = [...this.#jobs.values()].flatMap(({ payloads, journal }) => {
      return [...payloads.values(), ...journal.map(({ value }) => value)]
    })
    return new Set(all.filter((each): each is string => each !== null && each.length >= LEAST_BLOB))
  }

  valuesOf(id: number): (string | null)[] {
    return this.#jobs.get(id)?.journal.map(({ value }) => value) ?? []
  }
}
