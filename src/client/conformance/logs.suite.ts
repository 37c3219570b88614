/** Logs: one stream of what workers say and jobs write. */
import { expect, it } from 'vitest'
import type { LogRecord } from '../../runtime/logger/record.ts'
import type { World } from './world.suite.ts'

export function logTests(world: World): void {
  const record = (text: string, more: Partial<LogRecord> = {}): LogRecord => ({
    ...{ at: 1_700_000_000_000, level: 'info', source: 'worker', text },
    ...more,
  })
  const present = async (filter: Parameters<typeof world.client.tail>[0]): Promise<LogRecord[]> => {
    const all: LogRecord[] = []
    for await (const one of world.client.tail(filter)) all.push(one)
    return all
  }

  it('has what a worker handed over, in its own name', async () => {
    const session = await world.session()
    const given = record('odd', {
      level: 'warn',
      source: 'node',
      worker: 'another',
      job: 7,
      attempt: 2,
      data: { ms: 5 },
    })
    await session.record([given, record('even')])
    expect(await present({ worker: world.name })).toEqual([
      { ...given, source: 'worker', worker: world.name },
      record('even', { worker: world.name }),
    ])
    expect(await present({ worker: 'another' })).toEqual([])
  })

  it('has the output of jobs, with everything that is known of them', async () => {
    const session = await world.session()
    const id = await world.add()
    const { token } = await world.leaseOne()
    const logged = session.log([
      { token, stream: 'stdout', text: 'half\n' },
      { token, stream: 'log', text: 'done\n' },
    ])
    // its end comes right behind
    const ended = session.report([{ token, outcome: { type: 'succeeded' } }])
    await Promise.all([logged, ended])
    const common = {
      ...{ at: expect.any(Number), level: 'info', source: 'job', worker: world.name, job: id, attempt: 1 },
      ...{ queue: world.name, kind: world.name, namespace: world.name },
    }
    expect(await present({ job: id })).toEqual([
      { ...common, stream: 'stdout', text: 'half\n' },
      { ...common, stream: 'log', text: 'done\n' },
    ])
    expect(await present({ queue: world.name, last: 1 })).toEqual([
      expect.objectContaining({ text: 'done\n' }),
    ])
  })

  it('is followed while it is written, and has nothing of an attempt whose lease was lost', async () => {
    const session = await world.session()
    await session.record([record('before')])
    const stop = new AbortController()
    const stream = world.client
      .tail({ worker: world.name, follow: true }, stop.signal)
      [Symbol.asyncIterator]()
    expect((await stream.next()).value).toMatchObject({ text: 'before' })
    const next = stream.next()
    await session.log([{ token: '1.1.nobody', stream: 'stdout', text: 'stale' }])
    await session.record([record('after')])
    expect((await next).value).toMatchObject({ text: 'after' })
    stop.abort()
    expect((await stream.next()).done).toBe(true)
  })

  it('refuses what is no record and what is no filter', async () => {
    const session = await world.session()
    const refused = expect.objectContaining({ code: 'INVALID_OPTION' })
    await expect(session.record([{ ...record('x'), level: 'loud' as 'info' }])).rejects.toThrow(refused)
    await expect(session.record(Array(1_001).fill(record('x')))).rejects.toThrow(refused)
    for (const filter of [{ level: 'loud' as 'info' }, { job: 0 }, { last: -1 }])
      await expect(present(filter)).rejects.toThrow(refused)
    expect(await present({ worker: world.name })).toEqual([])
  })
}
