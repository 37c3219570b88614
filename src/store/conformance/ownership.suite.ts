/**
 * Ownership: what an opening tells, and that only the successor of the last commit of the owner gets in.
 */
import { describe, expect, it } from 'vitest'
import { RUNNING } from '../../core/model/states.ts'
import { type Batch, NO_LOAD } from '../store.ts'
import { NO_CHANGES } from '../testdata/no-changes.ts'
import { type MakeStore, type StoreTraits, Subject } from './subject.suite.ts'
import { ALL, added, enqueued, job, jobIn, NAMES, WORLD } from './world.suite.ts'

const code = (name: string) => expect.objectContaining({ code: name })

export function ownershipSuite(make: MakeStore, { keepsData = true }: StoreTraits): void {
  describe('opening', () => {
    it('finds nothing in a new store', async () => {
      const { opening } = await Subject.open(make)
      expect(opening).toEqual({
        epoch: expect.any(Number),
        sequence: 0,
        nextJobId: 1,
        nextNameId: 1,
        time: 0,
        names: [],
        queues: [],
        running: [],
      })
      expect(opening.epoch).toBeGreaterThan(0)
    })

    it('has a name for messages', async () => {
      const subject = await Subject.open(make)
      expect(subject.store.name).toMatch(/^[a-z]+:/)
    })

    it.runIf(keepsData)(
      'brings the position, the names of small spaces, the queues and what runs',
      async () => {
        const subject = await Subject.open(make)
        const queues = [
          { id: 3, paused: 1, turn: 2.5 },
          { id: 4, paused: 0, turn: 1e-9 },
        ]
        const running = [jobIn(RUNNING, 2), jobIn(RUNNING, 5, { limits: '[10]', taken: 1, expireAt: 77 })]
        const others = [jobIn(3, 1), jobIn(1, 3), jobIn(7, 4)]
        await subject.commit({ ...WORLD, nextJobId: 6, queues, ...enqueued([...others, ...running]) })
        await subject.commit({ nextJobId: 9, time: 1_800_000_000_001 })
        const opening = await subject.restart()
        expect(opening).toMatchObject({ sequence: 2, nextJobId: 9, nextNameId: 30, time: 1_800_000_000_001 })
        const small = NAMES.filter(({ space }) => ['namespace', 'queue', 'kind', 'class'].includes(space))
        expect([...opening.names].sort((a, b) => a.id - b.id)).toEqual(small)
        expect([...opening.queues].sort((a, b) => a.id - b.id)).toEqual(queues)
        expect([...opening.running].sort((a, b) => a.id - b.id)).toEqual(running)
      },
    )

    it.runIf(keepsData)('gives a larger epoch each time', async () => {
      const subject = await Subject.open(make)
      const epochs = [subject.opening.epoch]
      for (let i = 0; i < 3; i++) {
        epochs.push((await subject.restart()).epoch)
        await subject.commit({})
      }
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b))
    })

    it.runIf(keepsData)('is refused while another owner has the data', async () => {
      const subject = await Subject.open(make)
      const another = await subject.another()
      await expect(another.open()).rejects.toEqual(code('STORE_BUSY'))
      await subject.commit({ ...WORLD, ...enqueued([job(1)]) })
      expect((await subject.load({ jobs: [1] })).jobs).toHaveLength(1)
    })
  })

  describe('the fence', () => {
    const refusals: [string, (batch: Batch) => Batch][] = [
      ['a later epoch', (batch) => ({ ...batch, epoch: batch.epoch + 1 })],
      ['an earlier epoch', (batch) => ({ ...batch, epoch: batch.epoch - 1 })],
      ['a sequence number that leaves one out', (batch) => ({ ...batch, sequence: batch.sequence + 1 })],
      ['the last sequence number again', (batch) => ({ ...batch, sequence: batch.sequence - 1 })],
      ['the first sequence number again', (batch) => ({ ...batch, sequence: 1 })],
    ]
    it.each(refusals)('refuses %s, and nothing is changed', async (_, spoil) => {
      const subject = await Subject.open(make)
      const before = job(1, { input: 'before' })
      await subject.commit({ ...WORLD, nextJobId: 2, ...enqueued([before]) })
      await subject.commit({})
      const changes = [{ before, after: job(1, { input: 'after' }) }, ...added([job(2)])]
      const { epoch } = subject.opening
      const batch = spoil(subject.batch({ nextJobId: 3, jobs: changes, keys: [KEY], queues: [QUEUE] }))
      await expect(subject.store.commit(batch)).rejects.toEqual(code('FENCED'))
      const loaded = await subject.load({ jobs: [1, 2], keys: ['1:k:x'], queues: [3] })
      expect(loaded).toMatchObject({ jobs: [before], keys: [], queues: [] })
      // A failure is survived by opening the same handle anew.
      const opening = await subject.reopen()
      expect(opening).toMatchObject({ sequence: 2, nextJobId: 2, nextNameId: 30, queues: [] })
      expect(opening.epoch).toBeGreaterThan(epoch)
      await subject.commit({ nextJobId: 3, jobs: changes })
      expect((await subject.load({ jobs: [1, 2] })).jobs).toHaveLength(2)
    })

    it('refuses an owner whose handle was opened anew', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      const late = subject.batch(enqueued([job(1)]))
      await expect(subject.store.commit({ ...late, sequence: 9 })).rejects.toEqual(code('FENCED'))
      const { epoch } = await subject.reopen()
      expect(epoch).toBeGreaterThan(late.epoch)
      await expect(subject.store.commit(late)).rejects.toEqual(code('FENCED'))
      expect((await subject.load({ jobs: [1] })).jobs).toEqual([])
    })

    it.runIf(keepsData)('refuses the owner before a restart', async () => {
      const subject = await Subject.open(make)
      await subject.commit(WORLD)
      const late = subject.batch(enqueued([job(1)]))
      await subject.restart()
      await expect(subject.store.commit(late)).rejects.toEqual(code('FENCED'))
      expect((await subject.load({ jobs: [1] })).jobs).toEqual([])
    })
  })

  describe('closing', () => {
    it('ends commits, loads and reads with a rejection', async () => {
      const { store } = await Subject.open(make)
      await store.close()
      const calls = [
        () => store.load(NO_LOAD),
        () => store.commit({ ...NO_CHANGES, epoch: 1, sequence: 1 }),
        () => store.reads.list(ALL),
        () => store.reads.details(1),
      ]
      // Called before anything is awaited: a call that throws at once is not a rejection.
      const results = calls.map((call) => call())
      for (const result of results) await expect(result).rejects.toEqual(code('CLOSED'))
    })

    it('can be asked for twice', async () => {
      const { store } = await Subject.open(make)
      await store.close()
      await expect(store.close()).resolves.toBeUndefined()
    })

    it.runIf(keepsData)('waits for the commits before it', async () => {
      const subject = await Subject.open(make)
      const commits = [
        subject.commit({ ...WORLD, ...enqueued([job(1)]) }),
        subject.commit(enqueued([job(2)])),
      ]
      const { sequence } = await subject.restart()
      await Promise.all(commits)
      expect(sequence).toBe(2)
      expect((await subject.load({ jobs: [1, 2] })).jobs).toEqual([job(1), job(2)])
    })
  })
}

const KEY = { namespace: 1, key: 'k:x', job: 2, digest: '', until: 0 }
const QUEUE = { id: 3, paused: 1, turn: 1 }
