import { describe, expect, it } from 'vitest'
import { HAS_PROGRESS } from '../../core/model/job.ts'
import { READY, SUCCEEDED } from '../../core/model/states.ts'
import { ALL, added, changed, enqueued, job, jobIn, WORLD } from '../conformance/world.suite.ts'
import { storeConformance } from '../conformance.suite.ts'
import { type Batch, NO_LOAD, type Store } from '../store.ts'
import { NO_CHANGES } from '../testdata/no-changes.ts'
import { type CommitFate, createMemoryStore } from './memory-store.ts'

storeConformance('the memory store', async () => {
  const store = createMemoryStore()
  return { open: async () => store, dispose: () => store.close() }
})

storeConformance('the memory store, each commit after a wait', async () => {
  const store = createMemoryStore({ onCommit: () => Promise.resolve('ok') })
  return { open: async () => store, dispose: () => store.close() }
})

const code = (name: string) => expect.objectContaining({ code: name })
const batch = (epoch: number, sequence: number, changes: Partial<Batch> = {}): Batch => ({
  ...NO_CHANGES,
  epoch,
  sequence,
  ...changes,
})
const idsIn = async (store: Store) =>
  (await store.load({ ...NO_LOAD, jobs: [1, 2, 3] })).jobs.map(({ id }) => id)

describe('the fate of a commit', () => {
  /** A store that asks a list of fates, and then agrees. */
  const fated = (...fates: (CommitFate | Promise<CommitFate>)[]) =>
    createMemoryStore({ onCommit: () => fates.shift() ?? 'ok' })

  it('to be refused leaves nothing of it', async () => {
    const store = fated('ok', 'refuse')
    await store.open()
    await store.commit(batch(1, 1, enqueued([job(1)])))
    await expect(store.commit(batch(1, 2, enqueued([job(2)])))).rejects.toEqual(code('STORE_FAILED'))
    expect(await store.open()).toMatchObject({ epoch: 2, sequence: 1 })
    expect(await idsIn(store)).toEqual([1])
    await store.commit(batch(2, 2, enqueued([job(2)])))
    expect(await idsIn(store)).toEqual([1, 2])
  })

  it('to lose its acknowledgement leaves all of it', async () => {
    const store = fated('lose-ack')
    await store.open()
    await expect(store.commit(batch(1, 1, enqueued([job(1)])))).rejects.toEqual(code('STORE_FAILED'))
    expect(await store.open()).toMatchObject({ epoch: 2, sequence: 1 })
    expect(await idsIn(store)).toEqual([1])
  })

  it('is told which batch it is about', async () => {
    const seen: number[] = []
    const store = createMemoryStore({
      onCommit: ({ sequence }) => {
        seen.push(sequence)
        return 'ok'
      },
    })
    await store.open()
    await Promise.all([store.commit(batch(1, 1)), store.commit(batch(1, 2))])
    expect(seen).toEqual([1, 2])
  })

  it('holds back everything behind it until it is known', async () => {
    const fate = Promise.withResolvers<CommitFate>()
    const store = fated(fate.promise)
    await store.open()
    const order: string[] = []
    const note = (name: string) => () => order.push(name)
    const calls = [
      store.commit(batch(1, 1, enqueued([job(1)]))).then(note('first')),
      store.commit(batch(1, 2, enqueued([job(2)]))).then(note('second')),
      idsIn(store).then((ids) => order.push(`load ${ids}`)),
      store.reads.list(ALL).catch(note('list')),
      store.close().then(note('close')),
    ]
    order.push('issued')
    fate.resolve('ok')
    await Promise.allSettled(calls)
    expect(order.slice(0, 4)).toEqual(['issued', 'first', 'second', 'load 1,2'])
    expect(order.at(-1)).toBe('close')
  })

  it('refuses the successors of a refused one', async () => {
    const store = fated('refuse')
    await store.open()
    const results = await Promise.allSettled([1, 2, 3].map((sequence) => store.commit(batch(1, sequence))))
    expect(results.map((result) => (result as PromiseRejectedResult).reason.code)).toEqual([
      'STORE_FAILED',
      'FENCED',
      'FENCED',
    ])
  })
})

describe('a memory store', () => {
  it('has one owner at a time', async () => {
    const store = createMemoryStore()
    await store.open()
    await expect(store.open()).rejects.toEqual(code('STORE_BUSY'))
    await store.commit(batch(1, 1))
    await store.close()
    expect(await store.open()).toMatchObject({ epoch: 2, sequence: 1 })
  })

  it('is closed before it is opened', async () => {
    const store = createMemoryStore()
    await expect(store.load(NO_LOAD)).rejects.toEqual(code('CLOSED'))
    await expect(store.commit(batch(0, 1))).rejects.toEqual(code('CLOSED'))
  })

  it('refuses a change that does not start from the stored row', async () => {
    const store = createMemoryStore()
    await store.open()
    await store.commit(batch(1, 1, { jobs: added([job(1)]) }))
    const stale = { jobs: [changed(job(1, { attempt: 1 }), job(1, { attempt: 2 }))] }
    await expect(store.commit(batch(1, 2, stale))).rejects.toEqual(code('INTERNAL'))
    const twice = { jobs: [...added([job(2)]), changed(job(2), job(2, { attempt: 1 }))] }
    await expect(store.commit(batch(1, 2, twice))).rejects.toEqual(code('INTERNAL'))
    expect(await idsIn(store)).toEqual([1])
  })
})

describe('the check of a memory store', () => {
  const planted: [string, Partial<Batch>, RegExp][] = [
    ['attempts', { attempts: [attemptOf(9)] }, /Job 9 does not exist, but has rows in 'attempts'/],
    ['logs', { logs: [{ job: 9, attempt: 1, offset: 0, at: 1, stream: 'log', text: '' }] }, /Job 9.*'logs'/],
    ['payloads', { payloads: [{ job: 9, field: 'input', text: '1' }] }, /Job 9.*'payloads'/],
    ['progress', { progress: [{ job: 9, fraction: 0, message: null, at: 1 }] }, /Job 9.*'progress'/],
    ['metadata', { metadata: [{ job: 9, namespace: 1, name: 'a', value: 'b' }] }, /Job 9.*'metadata'/],
    [
      'a key',
      { keys: [{ namespace: 1, key: 'k:a', job: 9, digest: '', until: 0 }] },
      /Key 'k:a' points at job 9/,
    ],
    [
      'an edge',
      { dependents: [{ owner: 9, member: 1, value: 0 }] },
      /depends on job 9, which does not exist/,
    ],
    [
      'an ended dependency',
      { dependents: [{ owner: 2, member: 1, value: 0 }] },
      /Job 2 is succeeded, so it belongs to line 3/,
    ],
    [
      'an edge unknown to its owner',
      { dependents: [{ owner: 1, member: 2, value: 0 }] },
      /Job 1 does not know/,
    ],
    [
      'a dependent that is gone',
      { dependents: [{ owner: 1, member: 9, value: 0 }] },
      /Job 9 depends on job 1, but/,
    ],
    ['a job without a route', enqueued([job(3, { route: 99, state: SUCCEEDED })]), /Job 3 names route 99/],
    ['a blocked job', enqueued([job(3)]), /Job 3 is blocked, but by nothing/],
    [
      'a held limit',
      enqueued([job(3, { state: SUCCEEDED, limits: '[10]', taken: 1 })]),
      /Job 3 is succeeded, but says/,
    ],
  ]
  it.each(planted)('finds %s that should not be there', async (_, changes, sentence) => {
    const store = createMemoryStore()
    await store.open()
    const rows = [jobIn(READY, 1), jobIn(SUCCEEDED, 2, { flags: HAS_PROGRESS })]
    await store.commit(batch(1, 1, { ...WORLD, ...enqueued(rows) }))
    expect(await store.reads.check()).toEqual([])
    await store.commit(batch(1, 2, changes))
    expect(await store.reads.check()).toContainEqual(expect.stringMatching(sentence))
  })
})

function attemptOf(id: number) {
  return { job: id, number: 1, worker: 0, startedAt: 1, endedAt: 2, outcome: 'failed', error: null }
}
