/** Keys: idempotency and uniqueness, with every policy. */
import { expect, it } from 'vitest'
import type { JobSpec } from '../types.ts'
import { codeOf, refusal, type World } from './world.suite.ts'

const HOUR = 3_600_000

export function keyTests(world: World): void {
  const enqueue = async (spec: JobSpec) => (await world.client.enqueue([world.spec(spec)]))[0]

  it('gives the same job for the same call, whatever has become of it', async () => {
    const first = await enqueue({ key: 'k', input: 1 })
    expect(await enqueue({ key: 'k', input: 1 })).toEqual({ id: first?.id, created: false })
    await world.runAll()
    expect(await enqueue({ key: 'k', input: 1 })).toEqual({ id: first?.id, created: false })
    expect((await world.client.get(first?.id as number)).key).toBe('k')
  })

  it('refuses another body under the same key, and names the job', async () => {
    const first = await enqueue({ key: 'k', input: 1 })
    const error = await refusal(() => enqueue({ key: 'k', input: 2 }))
    expect(error).toMatchObject({ code: 'KEY_CONFLICT', data: { job: first?.id } })
    expect(error.message).toContain("'k'")
  })

  it('keeps the keys of namespaces apart', async () => {
    const a = await enqueue({ key: 'k' })
    const b = await enqueue({ key: 'k', namespace: `${world.name}-b`, input: 'other' })
    expect(b?.created).toBe(true)
    expect(b?.id).not.toBe(a?.id)
  })

  it('forgets a key after its window, and remembers one for ever', async () => {
    await enqueue({ key: 'short', keyWindowMs: HOUR })
    const kept = await enqueue({ key: 'kept', keyWindowMs: Number.POSITIVE_INFINITY })
    await world.time.sleep(HOUR - 1)
    expect((await enqueue({ key: 'short', keyWindowMs: HOUR }))?.created).toBe(false)
    await world.time.sleep(1)
    expect((await enqueue({ key: 'short', input: 'new' }))?.created).toBe(true)
    await world.time.sleep(50 * 24 * HOUR)
    expect(await enqueue({ key: 'kept', keyWindowMs: Number.POSITIVE_INFINITY })).toEqual({
      ...kept,
      created: false,
    })
  })

  it('remembers the key of a deleted job for its window, and never makes a second one', async () => {
    const first = await enqueue({ key: 'k', input: 1, keyWindowMs: HOUR })
    const id = first?.id as number
    await world.client.control(id, { verb: 'cancel' })
    await world.client.control(id, { verb: 'delete' })
    expect(await enqueue({ key: 'k', input: 1, keyWindowMs: HOUR })).toEqual({ id, created: false })
    const error = await refusal(() => enqueue({ key: 'k', input: 2 }))
    expect(error).toMatchObject({ code: 'KEY_CONFLICT', data: { job: id } })
    expect(await codeOf(() => world.client.get(id))).toBe('NOT_FOUND')
    const other = await enqueue({ key: 'k', input: 3, onConflict: 'replace', keyWindowMs: HOUR })
    expect(other?.created).toBe(true)
    await world.client.control(other?.id as number, { verb: 'cancel' })
    await world.client.control(other?.id as number, { verb: 'delete' })
    await world.time.sleep(HOUR)
    expect((await enqueue({ key: 'k', input: 2 }))?.created).toBe(true)
  })

  it('answers a call that is made again as the first time, its jobs deleted or not', async () => {
    const jobs = [world.spec(), world.spec()]
    const request = `${world.name}-request`
    const first = await world.client.enqueue(jobs, { request })
    for (const { id } of first) {
      await world.client.control(id, { verb: 'cancel' })
      await world.client.control(id, { verb: 'delete' })
    }
    expect(await world.client.enqueue(jobs, { request })).toEqual(first)
    expect((await world.client.list({ namespace: world.name })).jobs).toEqual([])
  })

  it('frees a uniqueness while live with the job', async () => {
    const unique = { value: 'gone', scope: 'live' } as const
    const first = await enqueue({ unique })
    await world.client.control(first?.id as number, { verb: 'cancel' })
    await world.client.control(first?.id as number, { verb: 'delete' })
    expect((await enqueue({ unique }))?.created).toBe(true)
  })

  it('replaces a job that has not started, and refuses to replace one that runs', async () => {
    const first = await enqueue({ key: 'k', input: 1 })
    const second = await enqueue({ key: 'k', input: 2, onConflict: 'replace' })
    expect(second?.created).toBe(true)
    expect(await world.client.wait(first?.id as number)).toMatchObject({ state: 'cancelled' })
    const lease = await world.leaseOne()
    expect(lease.job).toBe(second?.id)
    const call = () => enqueue({ key: 'k', input: 3, onConflict: 'replace' })
    expect(await codeOf(call)).toBe('KEY_CONFLICT')
    await world.succeed(lease)
    expect((await call())?.created).toBe(true)
  })

  it('refuses the same call as well when told to', async () => {
    await enqueue({ key: 'k' })
    expect(await codeOf(() => enqueue({ key: 'k', onConflict: 'refuse' }))).toBe('KEY_CONFLICT')
  })

  it('knows a key twice in one call', async () => {
    const [a, b] = await world.client.enqueue([world.spec({ key: 'k' }), world.spec({ key: 'k' })])
    expect(b).toEqual({ id: a?.id, created: false })
  })

  it('lets the last of one call replace those before it', async () => {
    const ids = await world.addAll(
      [1, 2, 3].map((input) => ({ key: 'k', input, onConflict: 'replace' as const })),
    )
    expect(await world.states(ids)).toEqual(['cancelled', 'cancelled', 'ready'])
    expect(await world.runAll()).toEqual([ids[2]])
  })

  it('never replaces a job for the sake of one that is not made', async () => {
    const spec: JobSpec = { key: 'k', onConflict: 'replace', unique: { value: 'u', scope: 'ever' } }
    const first = await enqueue(spec)
    expect(await enqueue(spec)).toEqual({ id: first?.id, created: false })
    expect(await world.state(first?.id as number)).toBe('ready')
  })

  it('is unique while the other lives', async () => {
    const unique = { value: 'u', scope: 'live' } as const
    const first = await enqueue({ unique, input: 1 })
    expect(await enqueue({ unique, input: 2 })).toEqual({ id: first?.id, created: false })
    expect((await enqueue({ unique, kind: `${world.name}-b` }))?.created).toBe(true)
    await world.runAll()
    expect((await enqueue({ unique }))?.created).toBe(true)
    const refuse = { ...unique, onConflict: 'refuse' } as const
    const error = await refusal(() => enqueue({ unique: refuse }))
    expect(error.code).toBe('DUPLICATE')
    expect(error.message).toContain("uniqueness 'u' to be free")
  })

  it('is unique again by a restart, or refused while another job is', async () => {
    const unique = { value: 'again', scope: 'live' } as const
    const first = (await enqueue({ unique }))?.id as number
    await world.client.control(first, { verb: 'cancel' })
    const second = (await enqueue({ unique }))?.id as number
    expect(second).not.toBe(first)
    const error = await refusal(() => world.client.control(first, { verb: 'restart' }))
    expect(error).toMatchObject({ code: 'DUPLICATE', data: { job: second } })
    expect(await world.states([first, second])).toEqual(['cancelled', 'ready'])
    await world.runAll()
    expect(await world.client.control(first, { verb: 'restart' })).toMatchObject({ state: 'ready' })
    expect(await enqueue({ unique })).toEqual({ id: first, created: false })
    expect(await codeOf(() => enqueue({ unique: { ...unique, onConflict: 'refuse' } }))).toBe('DUPLICATE')
    expect(await world.runAll()).toEqual([first])
    expect((await enqueue({ unique }))?.created).toBe(true)
  })

  it('is unique for a time, and for ever', async () => {
    const forAnHour = { value: 'hour', scope: 'for', forMs: HOUR } as const
    const forEver = { value: 'ever', scope: 'ever' } as const
    const first = await enqueue({ unique: forAnHour })
    const kept = await enqueue({ unique: forEver })
    await world.runAll()
    expect(await enqueue({ unique: forAnHour })).toEqual({ ...first, created: false })
    await world.time.sleep(HOUR)
    expect((await enqueue({ unique: forAnHour }))?.created).toBe(true)
    await world.client.control(kept?.id as number, { verb: 'delete' })
    expect(await enqueue({ unique: forEver })).toEqual({ ...kept, created: false })
  })

  it('gives 50 callers of one key at once one job', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => enqueue({ key: 'k' })))
    expect(new Set(answers.map((answer) => answer?.id)).size).toBe(1)
    expect(answers.filter((answer) => answer?.created)).toHaveLength(1)
  })

  it('keeps apart what differs only by a detail of its text', async () => {
    const keys = ['a', 'a ', 'A', 'á', 'a\u0301', "a'", 'a:b', '%', 'a%', '_']
    const ids = await world.addAll(keys.map((key) => ({ key })))
    expect(new Set(ids).size).toBe(keys.length)
  })
}
