import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { Outcome } from '../../core/model/outcome.ts'
import { systemTimers, type Timers } from '../../runtime/timers.ts'
import { attemptOf, executorSuite, start, TestControl } from '../executor.suite.ts'
import { createProcessPool, type PoolOptions, type ProcessPool } from './pool.ts'

const ENTRY = new URL('./testdata/handlers.ts', import.meta.url)
const work = (kind: string, input: unknown = null) => ({ kind, input })
const pools: ProcessPool[] = []

const make = (options: Partial<PoolOptions> = {}): ProcessPool =>
  createProcessPool({ entry: ENTRY, args: [], memoryMb: undefined, processes: 1, each: 100, ...options })

/** A pool that ends with its test. */
function create(options: Partial<PoolOptions> = {}): ProcessPool {
  const pool = make(options)
  pools.push(pool)
  return pool
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

executorSuite('process', {
  create: make,
  succeed: work('succeed'),
  fail: { ...work('fail'), code: 'HANDLER_FAILED' },
  wait: work('wait'),
  ignore: work('ignore'),
  print: (text) => work('print', text),
  progress: work('progress'),
  broken: [work('nobody knows this'), work('')],
})

const pidOf = async (pool: ProcessPool): Promise<number> => {
  const outcome = (await start(pool, work('pid')).done) as Outcome & { readonly type: 'succeeded' }
  return outcome.result as number
}

/** Resolves when a process has gone. */
async function gone(pid: number): Promise<boolean> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('a process that dies costs its attempt, and is replaced', () => {
  it.each([
    ['exit', 'ended with code 7'],
    ['kill', 'ended by SIGKILL'],
    ['throw later', 'ended with code 1'],
  ])('%s', async (kind, found) => {
    const errors: unknown[] = []
    const pool = create({ onError: (error) => errors.push(error) })
    const before = await pidOf(pool)
    expect(await start(pool, work(kind)).done).toMatchObject({
      type: 'failed',
      error: { code: 'WORKER_LOST', message: expect.stringContaining(found) },
    })
    const after = await pidOf(pool)
    expect(after).not.toBe(before)
    expect(errors).toMatchObject([{ message: `the process ${found}` }])
  })

  it('one that needs more memory than it may', async () => {
    const pool = create({ memoryMb: 32 })
    expect(await start(pool, work('eat memory')).done).toMatchObject({
      type: 'failed',
      error: { code: 'WORKER_LOST', message: expect.stringContaining('out of memory') },
    })
    expect(await start(pool, work('succeed')).done).toEqual({ type: 'succeeded', result: 1 })
  })

  it('and what runs in others goes on', async () => {
    const pool = create({ processes: 2, each: 1 })
    // with one attempt each, two that run are in two processes
    const waiting = [start(pool, work('wait')), start(pool, work('wait'))]
    await Promise.all(waiting.map(({ control }) => control.printed('started')))
    const [first, second] = waiting
    const pids = pool.pids()
    expect(new Set(pids).size).toBe(2)
    process.kill(pids[0] as number, 'SIGKILL')
    const ended = await Promise.race([first?.done, second?.done])
    expect(ended).toMatchObject({ error: { code: 'WORKER_LOST' } })
    for (const { control } of waiting) control.stop('cancel')
    const outcomes = await Promise.all(waiting.map(({ done }) => done))
    expect(outcomes.filter((outcome) => outcome.type === 'cancelled')).toHaveLength(1)
  })
})

describe('a stop that is not heeded', () => {
  it.each(['block', 'ignore'])('kills the process of a handler that goes on: %s', async (kind) => {
    const pool = create()
    const { attempt, control } = attemptOf(work(kind))
    control.graceMs = 50
    const done = pool.run(attempt, control)
    await control.printed('started')
    const [pid] = pool.pids()
    control.stop('timeout')
    expect(await done).toMatchObject({ type: 'failed', error: { code: 'TIMEOUT' } })
    expect(await gone(pid as number)).toBe(true)
    expect(await pidOf(pool)).not.toBe(pid)
  })

  it('gives back what else the blocked process ran', async () => {
    const pool = create()
    const innocent = start(pool, work('wait'))
    await innocent.control.printed('started')
    const { attempt, control } = attemptOf(work('block'))
    control.graceMs = 50
    const done = pool.run(attempt, control)
    await control.printed('started')
    control.stop('cancel')
    expect(await done).toMatchObject({ type: 'cancelled' })
    expect(await innocent.done).toEqual({ type: 'released' })
  })

  it('gives nothing to a process that is being killed', async () => {
    const next = Promise.withResolvers<Outcome>()
    const { attempt, control } = attemptOf(work('block'))
    control.graceMs = 50
    const timers: Timers = {
      after: (ms, act, background) => {
        const isKill = ms > control.graceMs && control.stopReason !== undefined
        const actAndAskForMore = (): void => {
          act()
          // the first thing behind the kill, long before anybody hears of the death
          if (isKill) next.resolve(start(pool, work('succeed')).done)
        }
        return systemTimers.after(ms, actAndAskForMore, background)
      },
    }
    const pool = create({ timers })
    const done = pool.run(attempt, control)
    await control.printed('started')
    control.stop('cancel')
    expect(await done).toMatchObject({ type: 'cancelled' })
    expect(await next.promise).toEqual({ type: 'succeeded', result: 1 })
  })

  it('does not cost a process when the attempt has ended', async () => {
    const armed: number[] = []
    const timers: Timers = {
      after: (ms, act, background) => {
        armed.push(ms)
        return systemTimers.after(ms, act, background)
      },
    }
    const pool = create({ timers })
    const { control, done } = start(pool, work('wait'))
    await control.printed('started')
    control.stop('cancel')
    expect(await done).toMatchObject({ type: 'cancelled' })
    const before = armed.length
    control.insist(0)
    expect(armed).toHaveLength(before)
  })
})

it('is ready when all of its processes are, or one of them cannot be', async () => {
  const pool = create({ processes: 2, each: 1 })
  await pool.ready
  const pids = await Promise.all([1, 2].map(() => start(pool, work('pid')).done))
  expect(new Set(pids.map((outcome) => (outcome as { result?: unknown }).result)).size).toBe(2)
  await create({ args: ['broken'] }).ready
})

describe('processes that cannot be started', () => {
  it('are told of, and jobs are put back', async () => {
    const told = Promise.withResolvers<unknown>()
    const pool = create({ args: ['broken'], onError: told.resolve })
    expect(await start(pool, work('succeed')).done).toMatchObject({ type: 'snoozed' })
    expect(await told.promise).toMatchObject({ message: 'no such module' })
  })

  it('an attempt that waits for one can be stopped', async () => {
    const pool = create({ entry: new URL('file:///nowhere/none.ts') })
    const { control, done } = start(pool, work('succeed'))
    control.stop('cancel')
    expect(await done).toMatchObject({ type: 'cancelled' })
  })
})

it('all processes end with the pool, and with the worker that had them', async () => {
  const pool = create({ processes: 2 })
  await pidOf(pool)
  const pids = pool.pids()
  const { done } = start(pool, work('ignore'))
  await pool.close()
  expect(await done).toEqual({ type: 'released' })
  for (const pid of pids) expect(await gone(pid)).toBe(true)
  expect(await pool.run(attemptOf(work('succeed')).attempt, new TestControl())).toEqual({ type: 'released' })

  const { fork } = await import('node:child_process')
  const worker = fork(new URL('./testdata/worker.ts', import.meta.url))
  const [child] = (await once(worker, 'message')) as [number]
  worker.kill('SIGKILL')
  expect(await gone(child)).toBe(true)
})
