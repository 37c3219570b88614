/** What runs at the same time in a workflow: races and their losers, branches, bounded maps, locks, children that must end. */
import { afterEach, describe, expect, it } from 'vitest'
import { type App, type Flow, job, open, workflow } from '../index.ts'
import { untilState } from './testdata/until.ts'

let app: App
afterEach(() => app.close())

async function start(definitions: Parameters<App['work']>[0]): Promise<void> {
  app = await open('sqlite::memory:')
  app.work(definitions, { concurrency: 20 })
}

/** A workflow that is run once; answers its result, having looked whether all rows agree. */
async function run<Result>(
  code: (flow: Flow) => Result,
  others: Parameters<App['work']>[0] = [],
): Promise<Awaited<Result>> {
  const flow = workflow('flow', { run: code })
  await start([flow, ...others])
  const result = await (await app.enqueue(flow)).result()
  expect(await app.client.check()).toEqual([])
  return result
}

const never = job('never', {
  run: (_, { signal }) => new Promise((_, no) => signal.addEventListener('abort', no)),
})

describe('the losers of a race', () => {
  it('are cancelled where they are jobs', async () => {
    const ids = await run(
      async (flow) => {
        const running = flow.call(never, undefined)
        const later = flow.call(never, undefined, { enqueue: { delay: '1h' } })
        await flow.race([running, later, flow.sleep('20ms')])
        return [flow.run + 1, flow.run + 2]
      },
      [never],
    )
    for (const id of ids) await untilState(app, id, 'cancelled')
    expect((await app.get(ids[1] as number)).error?.message).toContain('went on without it')
  })

  it('are cancelled, and get no lock, also where the race was decided as they were asked for', async () => {
    let isIn = false
    const flow = workflow('flow', {
      run: async (flow, waits: boolean) => {
        const lock = flow.lock('key', () => {
          isIn = true
        })
        if (!waits) return lock
        await flow.race([flow.call(never, undefined, { enqueue: { delay: '1h' } }), lock, 'decided'])
        return flow.signal('go')
      },
    })
    await start([flow, never])
    const first = await app.enqueue(flow, true)
    await untilState(app, first.id, 'suspended')
    await untilState(app, first.id + 1, 'cancelled')
    expect(isIn).toBe(false)
    // the lock is free, though the run that had wanted it goes on
    await (await app.enqueue(flow, false)).result()
    expect(isIn).toBe(true)
    await first.signal('go')
    await first.result()
  })

  it('leave their signals to whoever waits next', async () => {
    const flow = workflow('flow', {
      run: async (flow) => {
        await flow.race([flow.signal('go'), flow.sleep('5ms')])
        return flow.signal('go')
      },
    })
    await start([flow])
    const handle = await app.enqueue(flow)
    await untilState(app, handle.id, 'suspended')
    while ((await app.client.workflows.journal(handle.id)).rows.length < 5) await new Promise(setImmediate)
    await handle.signal('go', 'mine')
    expect(await handle.result()).toBe('mine')
  })

  it('are told so when somebody awaits them, and their steps are asked to stop', async () => {
    let stopped: unknown
    const code = await run(async (flow) => {
      const step = flow.step('long', ({ signal }) => {
        return new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => {
            stopped = signal.reason
            reject(signal.reason)
          })
        })
      })
      await flow.race([step, flow.sleep('10ms')])
      return step.catch((error: { code: string }) => error.code)
    })
    expect(code).toBe('CANCELLED')
    expect(stopped).toBe('withdrawn')
  })

  it('are those of flow.any and of a failed flow.all as well, and go on with Promise.race', async () => {
    const broken = job('broken', { retry: { attempts: 1 }, run: () => Promise.reject(new Error('no')) })
    const ids = await run(
      async (flow) => {
        const one = flow.call(never, undefined)
        await flow.any([flow.call(broken, undefined), one, flow.sleep('30ms')])
        await flow.all([flow.call(never, undefined), flow.call(broken, undefined)]).catch(() => {})
        await Promise.race([flow.call(never, undefined), flow.sleep('5ms')])
        await flow.step('look', async () => {
          const { state } = await app.get(flow.run + 5)
          if (state !== 'running') throw new Error(state)
        })
        return [flow.run + 1, flow.run + 3]
      },
      [never, broken],
    )
    for (const id of ids) await untilState(app, id, 'cancelled')
  })

  it('are undone when they were done all the same and the run fails', async () => {
    const done: string[] = []
    const flow = workflow('flow', {
      run: async (flow) => {
        const late = flow.step('late', () => new Promise((resolve) => setTimeout(resolve, 30, 'done')), {
          undo: (value) => done.push(`undone ${value}`),
        })
        await flow.race([late, flow.sleep('1ms')])
        throw new Error('after the race')
      },
    })
    await start([flow])
    await expect((await app.enqueue(flow)).result()).rejects.toThrow('after the race')
    expect(done).toEqual(['undone done'])
  })

  it('are not called again by a replay where it is known that there is nothing to undo', async () => {
    const calls: string[] = []
    const undo = (): void => void calls.push('undone')
    const flow = workflow('flow', {
      run: async (flow) => {
        const asked = flow.step(
          'asked to stop',
          ({ signal }) => {
            calls.push('asked')
            return new Promise((_, reject) => signal.addEventListener('abort', reject))
          },
          { undo },
        )
        const tried = (name: string, min: string) =>
          flow.step(name, () => Promise.reject(new Error(`${calls.push(name)}`)), { undo, retry: { min } })
        await flow.race([
          asked,
          tried('stopped between tries', '1s'),
          tried('later', '1h'),
          flow.sleep('50ms'),
        ])
        await flow.signal('go')
      },
    })
    app = await open('sqlite::memory:')
    const first = app.work([flow])
    const run = await app.enqueue(flow)
    await untilState(app, run.id, 'suspended')
    await first.stop()
    app.work([flow])
    await run.signal('go')
    await run.result()
    expect(calls.sort()).toEqual(['asked', 'later', 'stopped between tries'])
  })

  it('can be whole branches, and races of races', async () => {
    let after = 0
    const result = await run(
      async (flow) => {
        const slow = flow.branch(async (own) => {
          await own.signal('first')
          await own.step('after', () => after++)
        })
        const inner = flow.all([flow.call(never, undefined), flow.signal('x')])
        const won = await flow.race([slow, flow.race([inner]), flow.step('fast', () => 'fast')])
        const lost = await slow.catch((error: { code: string }) => error.code)
        return [won, lost]
      },
      [never],
    )
    expect(result).toEqual(['fast', 'CANCELLED'])
    expect(after).toBe(0)
    await untilState(app, 2, 'cancelled')
  })
})

it('a map has no more under way than it may, and keeps the order', async () => {
  let most = 0
  let now = 0
  const full = Promise.withResolvers<void>()
  const slow = job('slow', {
    run: async (index: number) => {
      most = Math.max(most, ++now)
      if (now === 3) full.resolve()
      await full.promise
      await new Promise((resolve) => setTimeout(resolve, 5))
      now--
      return index * 2
    },
  })
  const items = Array.from({ length: 12 }, (_, index) => index)
  const result = await run(
    (flow) => flow.map(items, (item) => flow.call(slow, item), { concurrency: 3 }),
    [slow],
  )
  expect(result).toEqual(items.map((item) => item * 2))
  expect(most).toBe(3)
})

it('a map of which one call fails lets go of the others, and begins no more', async () => {
  const begun: number[] = []
  const result = await run(async (flow) => {
    const mapped = flow.map(
      [1, 2, 3, 4],
      async (item, _, own) => {
        await own.step(`begin ${item}`, () => begun.push(item))
        if (item === 2) throw new Error('second')
        await own.sleep('1h')
      },
      { concurrency: 2 },
    )
    return mapped.catch((error: Error) => error.message)
  })
  expect(result).toBe('second')
  expect(begun).toEqual([1, 2])
})

it('a run ends after the children that it has to wait for', async () => {
  const slow = job('slow', { run: () => new Promise((resolve) => setTimeout(resolve, 40, 'slow')) })
  let child = 0
  const seen = await run(
    async (flow) => {
      child = (await flow.start(slow, undefined, { onClose: 'wait' })).id
      await flow.race([flow.call(slow, undefined, { onClose: 'wait' }), flow.sleep('1ms')])
      return child
    },
    [slow],
  )
  for (const id of [seen, seen + 1]) expect((await app.get(id)).state).toBe('succeeded')
})

describe('a lock', () => {
  it('is refused to code that runs under it, which goes on, and is given to parts beside one another', async () => {
    const did: string[] = []
    const outer = await run((flow) =>
      flow.lock('stock', async (own) => {
        const inner = own.branch((deep) => deep.lock('stock', () => 'never'))
        const code = await inner.catch((error: { code: string; data: unknown }) => [error.code, error.data])
        await own.lock('other', () => flow.step('goes on', () => did.push('on')))
        return code
      }),
    )
    expect(outer).toEqual(['CYCLE', { step: 'lock stock' }])
    expect(did).toEqual(['on'])
    await app.close()
    expect(await run((flow) => flow.all([1, 2].map((each) => flow.lock('stock', () => each))))).toEqual([
      1, 2,
    ])
  })

  it('is one run’s at a time, also over its sleeps', async () => {
    const order: string[] = []
    const flow = workflow('flow', {
      run: async (flow, name: string) =>
        flow.lock('stock', async (own) => {
          await own.step('in', () => order.push(`${name} in`))
          await own.sleep('2ms')
          await own.step('out', () => order.push(`${name} out`))
        }),
    })
    await start([flow])
    const handles = []
    for (const name of 'abcde') handles.push(await app.enqueue(flow, name))
    for (const handle of handles) await handle.result()
    expect(order).toHaveLength(10)
    for (let at = 0; at < 10; at += 2) expect(order[at + 1]).toBe(order[at]?.replace('in', 'out'))
    expect(await app.client.check()).toEqual([])
  })

  it('is given back by runs that fail, are cancelled, or lose patience', async () => {
    const flow = workflow('flow', {
      run: async (flow, how: string) => {
        if (how === 'impatient') return flow.race([flow.lock('key', () => 'got it'), flow.sleep('20ms')])
        return flow.lock('key', async (own) => {
          if (how === 'fails') throw new Error('no')
          if (how === 'hangs') await own.signal('never')
          return 'got it'
        })
      },
    })
    await start([flow])
    const hangs = await app.enqueue(flow, 'hangs')
    await untilState(app, hangs.id, 'suspended')
    const fails = await app.enqueue(flow, 'fails')
    const impatient = await app.enqueue(flow, 'impatient')
    expect(await impatient.result()).toBeUndefined()
    const last = await app.enqueue(flow, 'last')
    await untilState(app, last.id, 'suspended')
    await hangs.cancel()
    await expect(fails.result()).rejects.toThrow('no')
    expect(await last.result()).toBe('got it')
    expect(await app.client.check()).toEqual([])
  })
})
