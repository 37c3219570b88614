/** Control: every verb in every state, with the exact result or refusal. */
import { describe, expect, it } from 'vitest'
import type { ControlVerb, JobSpec } from '../types.ts'
import { refusal, type World } from './world.suite.ts'

const STATES = [
  'blocked',
  'scheduled',
  'waiting',
  'ready',
  'running',
  'held',
  'succeeded',
  'failed',
  'cancelled',
] as const
type State = (typeof STATES)[number]

const VERBS: Record<string, ControlVerb> = {
  cancel: { verb: 'cancel' },
  restart: { verb: 'restart' },
  expedite: { verb: 'expedite' },
  hold: { verb: 'hold' },
  release: { verb: 'release' },
  snooze: { verb: 'snooze', delayMs: 60_000 },
  delete: { verb: 'delete' },
  reprioritize: { verb: 'reprioritize', priority: 3 },
  repin: { verb: 'repin', version: '2' },
}

/** The state after the verb; `=` where nothing is left to do; `-` for a refusal. */
const TABLE: Record<keyof typeof VERBS, Record<State, string>> = {
  cancel: row('cancelled', 'cancelled', 'cancelled', 'cancelled', 'running', 'cancelled', '-', '-', '='),
  restart: row('-', '-', '-', '-', '-', '-', '-', 'ready', 'ready'),
  expedite: row('-', 'ready', '=', '=', '-', '-', '-', '-', '-'),
  hold: row('held', 'held', 'held', 'held', '-', '=', '-', '-', '-'),
  release: row('-', '-', '-', '-', '-', 'ready', '-', '-', '-'),
  snooze: row('blocked', 'scheduled', 'scheduled', 'scheduled', '-', '-', '-', '-', '-'),
  delete: row('-', '-', '-', '-', '-', '-', 'gone', 'gone', 'gone'),
  reprioritize: row('blocked', 'scheduled', 'waiting', 'ready', '-', 'held', '-', '-', '-'),
  repin: row('blocked', 'scheduled', 'waiting', 'ready', '-', 'held', '-', '-', '-'),
}

function row(...cells: string[]): Record<State, string> {
  return Object.fromEntries(STATES.map((state, i) => [state, cells[i] as string])) as Record<State, string>
}

export function controlTests(world: World): void {
  describe('table', () => tableTests(world))
  describe('verbs', () => verbTests(world))
}

/** Makes a job that stands in a state. */
async function jobIn(world: World, state: State): Promise<number> {
  const control = (id: number, verb: ControlVerb) => world.client.control(id, verb)
  const limit: JobSpec = { limits: [{ key: world.name, max: 1 }] }
  const ids = await world.addAll(
    state === 'blocked'
      ? [{ kind: 'other' }, { after: [{ index: 0 }] }]
      : state === 'scheduled'
        ? [{ delayMs: 1_000 }]
        : state === 'waiting'
          ? [limit, limit]
          : [{}],
  )
  const id = ids.at(-1) as number
  if (state === 'held') await control(id, { verb: 'hold' })
  if (state === 'cancelled') await control(id, { verb: 'cancel' })
  if (state === 'running' || state === 'succeeded' || state === 'failed') {
    const lease = await world.leaseOne()
    if (state === 'succeeded') await world.succeed(lease)
    if (state === 'failed') await world.fail(lease, { retry: false })
  }
  expect(await world.state(id)).toBe(state)
  return id
}

function tableTests(world: World): void {
  for (const [name, verb] of Object.entries(VERBS)) {
    it.each(STATES)(`${name} of a job that is %s`, async (state) => {
      const id = await jobIn(world, state)
      const before = await world.client.get(id)
      const expected = TABLE[name]?.[state]
      if (expected === '-') {
        const error = await refusal(() => world.client.control(id, verb))
        expect(error).toMatchObject({ code: 'WRONG_STATE', data: { job: id, state, verb: name } })
        expect(error.message).toContain(`'${state}'`)
        expect(await world.client.get(id)).toEqual(before)
        return
      }
      const after = expected === '=' ? state : expected === 'gone' ? null : expected
      const result = await world.client.control(id, verb)
      expect(result).toEqual({ id, state: after, changed: expected !== '=' })
      if (expected === 'gone') {
        expect((await refusal(() => world.client.get(id))).code).toBe('NOT_FOUND')
        expect(await world.client.control(id, verb)).toEqual({ id, state: null, changed: false })
      } else {
        expect(await world.state(id)).toBe(after)
        if (expected === '=') expect(await world.client.get(id)).toEqual(before)
      }
    })
  }

  it.each(Object.entries(VERBS))('%s of no job at all', async (name, verb) => {
    const call = () => world.client.control(2 ** 45, verb)
    if (name === 'delete') expect(await call()).toEqual({ id: 2 ** 45, state: null, changed: false })
    else expect((await refusal(call)).code).toBe('NOT_FOUND')
  })
}

function verbTests(world: World): void {
  it('asks a running job to stop, and tells its worker how', async () => {
    const id = await jobIn(world, 'ready')
    const notices = await world.notices()
    const lease = await world.leaseOne()
    await world.client.control(id, { verb: 'cancel', graceMs: 700, signal: 'SIGINT' })
    await world.settle()
    expect(notices).toEqual([
      { type: 'stop', token: lease.token, reason: 'cancel', graceMs: 700, signal: 'SIGINT' },
    ])
    expect((await world.client.get(id)).cancelRequested).toBe(true)
    const again = await world.client.control(id, { verb: 'cancel' })
    expect(again).toEqual({ id, state: 'running', changed: false })
    const session = await world.session()
    expect(await session.report([{ token: lease.token, outcome: { type: 'cancelled' } }])).toEqual([true])
    expect(await world.client.wait(id)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
  })

  it('lets a success that is reported first win', async () => {
    const id = await jobIn(world, 'ready')
    const lease = await world.leaseOne()
    await world.client.control(id, { verb: 'cancel' })
    expect(await world.succeed(lease, 'done')).toBe(true)
    expect(await world.client.wait(id)).toMatchObject({ state: 'succeeded', result: 'done' })
  })

  it('never runs a cancelled job again, however its attempt ends', async () => {
    for (const end of ['fail', 'release', 'snooze', 'lost'] as const) {
      const id = await world.add({ options: { timeouts: { heartbeatMs: 1_000 } } })
      const lease = await world.leaseOne()
      await world.client.control(id, { verb: 'cancel' })
      if (end === 'fail') await world.fail(lease)
      if (end === 'release') await world.giveBack(lease)
      if (end === 'snooze') await world.giveBack(lease, 5)
      if (end === 'lost') await world.time.advance(2_000)
      const job = await world.client.get(id)
      expect([end, job.state]).toEqual([end, 'cancelled'])
      expect(job.error?.code).toBeTypeOf('string')
    }
  })

  it('ends a cancelled attempt by force when its grace is over', async () => {
    const id = await world.add({ options: { timeouts: { heartbeatMs: 600_000 } } })
    const lease = await world.leaseOne()
    await world.client.control(id, { verb: 'cancel', graceMs: 1_000 })
    await world.time.advance(1_400)
    expect(await world.state(id)).toBe('running')
    await world.time.advance(1_200)
    expect(await world.client.wait(id)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    expect(await world.succeed(lease)).toBe(false)
  })

  it('tells the reason of a cancel', async () => {
    const id = await jobIn(world, 'ready')
    await world.client.control(id, { verb: 'cancel', reason: 'no longer wanted' })
    expect((await world.client.wait(id)).error?.message).toContain('no longer wanted')
  })

  it('keeps the reason for a job that runs, however its attempt takes it', async () => {
    const ends = ['cancelled', 'fail', 'release', 'lost'] as const
    for (const end of ends) {
      const id = await world.add({ options: { timeouts: { heartbeatMs: 1_000 } } })
      const lease = await world.leaseOne()
      await world.client.control(id, { verb: 'cancel', reason: 'no longer wanted' })
      await world.client.control(id, { verb: 'cancel', reason: 'another' })
      const session = await world.session()
      if (end === 'cancelled') await session.report([{ token: lease.token, outcome: { type: 'cancelled' } }])
      if (end === 'fail') await world.fail(lease)
      if (end === 'release') await world.giveBack(lease)
      if (end === 'lost') await world.time.advance(2_000)
      const { error } = await world.client.wait(id)
      expect([end, error?.code]).toEqual([end, 'CANCELLED'])
      expect(error?.message).toContain('The job was cancelled: no longer wanted.')
      expect(error?.message.includes('by force')).toBe(end === 'lost')
    }
  })

  it('tells the worker of a second cancel that asks for more, which never gives more time', async () => {
    const id = await world.add({ options: { timeouts: { heartbeatMs: 600_000 } } })
    const notices = await world.notices()
    const { token } = await world.leaseOne()
    await world.client.control(id, { verb: 'cancel', graceMs: 1_000 })
    const again = await world.client.control(id, { verb: 'cancel', graceMs: 60_000, signal: 'SIGKILL' })
    expect(again).toEqual({ id, state: 'running', changed: true })
    await world.settle()
    const stop = { type: 'stop', token, reason: 'cancel' }
    expect(notices).toEqual([
      { ...stop, graceMs: 1_000 },
      { ...stop, graceMs: 60_000, signal: 'SIGKILL' },
    ])
    await world.time.advance(2_600)
    expect((await world.client.wait(id)).error?.message).toContain('did not stop in time')
  })

  it('restarts with fresh tries, goes on counting attempts, and through the limits', async () => {
    const spec: JobSpec = { limits: [{ key: world.name, max: 1 }], options: { retry: { attempts: 1 } } }
    const id = await world.add(spec)
    await world.fail(await world.leaseOne())
    const other = await world.add(spec)
    const result = await world.client.control(id, { verb: 'restart' })
    expect(result).toEqual({ id, state: 'waiting', changed: true })
    expect(await world.client.get(id)).toMatchObject({ attempts: 1, attemptsSinceRestart: 0, error: null })
    const first = await world.leaseOne()
    expect(first.job).toBe(other)
    await world.succeed(first)
    const lease = await world.leaseOne()
    expect(lease).toMatchObject({ job: id, attempt: 2, attemptSinceRestart: 1, isLastAttempt: true })
    await world.succeed(lease)
    const { history } = await world.client.get(id)
    expect(history.map(({ number, outcome }) => [number, outcome])).toEqual([
      [1, 'failed'],
      [2, 'succeeded'],
    ])
  })

  it('restarts what was cancelled before it ran, now and not at its old time', async () => {
    const id = await world.add({ delayMs: 3_600_000 })
    await world.client.control(id, { verb: 'cancel' })
    await world.client.control(id, { verb: 'restart' })
    expect(await world.leaseOne()).toMatchObject({ job: id, attempt: 1 })
    expect((await world.client.get(id)).cancelRequested).toBe(false)
  })

  it('restarts with a fresh time limit for the whole job', async () => {
    const timeouts = { scheduleToCloseMs: 10_000, startToCloseMs: 60_000, graceMs: 100, heartbeatMs: 600_000 }
    const id = await world.add({ options: { timeouts } })
    await world.time.advance(10_000)
    expect(await world.state(id)).toBe('failed')
    await world.time.advance(5_000)
    await world.client.control(id, { verb: 'restart' })
    await world.time.advance(2_000)
    const lease = await world.leaseOne()
    expect(lease.startToCloseMs).toBe(8_000)
    await world.giveBack(lease)
    await world.time.advance(7_999)
    expect(await world.state(id)).toBe('ready')
    await world.time.advance(1)
    const { state, error } = await world.client.wait(id)
    expect(state).toBe('failed')
    expect(error?.message).toContain('within 10s of its restart')
  })

  it('expedites out of a back-off, with attempt and priority kept', async () => {
    const id = await world.add({ priority: 4, options: { retry: { minMs: 3_600_000 } } })
    await world.fail(await world.leaseOne())
    await world.client.control(id, { verb: 'expedite' })
    expect(await world.leaseOne()).toMatchObject({ job: id, attempt: 2 })
    expect((await world.client.get(id)).priority).toBe(4)
  })

  it('holds a job without its limits, and releases it to its time', async () => {
    const limit: JobSpec = { limits: [{ key: world.name, max: 1 }] }
    const [held, next] = await world.addAll([limit, limit])
    const delayed = await world.add({ delayMs: 10_000 })
    await world.client.control(held as number, { verb: 'hold' })
    await world.client.control(delayed, { verb: 'hold' })
    expect(await world.states([held, next] as number[])).toEqual(['held', 'ready'])
    await world.time.advance(20_000)
    expect(await world.state(delayed)).toBe('held')
    expect((await world.client.control(delayed, { verb: 'release' })).state).toBe('ready')
    expect((await world.client.control(held as number, { verb: 'release' })).state).toBe('waiting')
  })

  it('keeps a held job held while its dependencies end', async () => {
    const [first, second] = await world.addAll([{}, { after: [{ index: 0 }] }])
    await world.client.control(second as number, { verb: 'hold' })
    expect(await world.runAll()).toEqual([first])
    expect(await world.state(second as number)).toBe('held')
    expect((await world.client.control(second as number, { verb: 'release' })).state).toBe('ready')
  })

  it('moves a job within its line', async () => {
    const [a, b, c] = await world.addAll([{}, {}, {}])
    await world.client.control(c as number, { verb: 'reprioritize', priority: -1 })
    await world.client.control(a as number, { verb: 'reprioritize', priority: 1 })
    expect(await world.client.control(b as number, { verb: 'reprioritize', priority: 0 })).toMatchObject({
      changed: false,
    })
    expect(await world.runAll()).toEqual([c, b, a])
  })

  it('answers thousands of refusals in one turn', async () => {
    const id = await jobIn(world, 'succeeded')
    const calls = Array.from({ length: 3_000 }, () => world.client.control(id, { verb: 'hold' }))
    const results = await Promise.allSettled(calls)
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
  })
}
