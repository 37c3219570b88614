/** Runs that are taken up from their journal: by code that fits, and by code that does not. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createEmbeddedClient } from '../client/embedded/client.ts'
import { Engine } from '../engine/engine.ts'
import { App, type Flow, workflow } from '../index.ts'
import { systemSurroundings } from '../runtime/services.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { untilState } from './testdata/until.ts'

let store: Store
let app: App

/** Opens the store with the code of today. */
async function deploy(run: (flow: Flow) => unknown): Promise<void> {
  app = new App(createEmbeddedClient(await Engine.open(store, systemSurroundings(), { retentionEveryMs: 0 })))
  app.work([workflow('flow', { run })])
}

beforeEach(() => {
  store = createMemoryStore()
})
afterEach(() => app.close())

it('code that asks for another step waits for a person, and goes on with the code that it had', async () => {
  const old = async (flow: Flow) => [
    await flow.step('a', () => 1),
    await flow.signal('go'),
    await flow.step('b', () => 2),
  ]
  await deploy(old)
  const { id } = await app.enqueue('flow')
  await untilState(app, id, 'suspended')
  await app.close()
  await deploy(async (flow) => [await flow.step('c', () => 3), await flow.signal('go')])
  await app.job(id).signal('go', 'went')
  await untilState(app, id, 'held')
  const { error, attemptsSinceRestart } = await app.get(id)
  expect(error?.code).toBe('NON_DETERMINISM')
  expect(error?.message).toContain("expected step 'a' at position 0, as recorded; found step 'c'")
  expect(attemptsSinceRestart).toBe(0)
  await app.close()
  await deploy(old)
  await app.job(id).release()
  expect(await app.job(id).result()).toEqual([1, 'went', 2])
})

it('code that ends before all that it had recorded waits for a person', async () => {
  await deploy(async (flow) => [await flow.step('a', () => 1), await flow.signal('go')])
  const { id } = await app.enqueue('flow')
  await untilState(app, id, 'suspended')
  await app.close()
  await deploy(async (flow) => flow.step('a', () => 1))
  await app.job(id).signal('go')
  await untilState(app, id, 'held')
  expect((await app.get(id)).error?.message).toContain("expected signal 'go' at position 1")
})

it('a patch is taken by new runs, and left by those that had been past it', async () => {
  await deploy(async (flow) => [await flow.step('old', () => 'old'), await flow.signal('go')])
  const before = await app.enqueue('flow')
  await untilState(app, before.id, 'suspended')
  await app.close()
  await deploy(async (flow) => {
    const first = flow.patched('better')
      ? await flow.step('new', () => 'new')
      : await flow.step('old', () => 'x')
    return [first, await flow.signal('go')]
  })
  const after = await app.enqueue('flow')
  for (const { id } of [before, after]) await app.job(id).signal('go', id)
  expect(await app.job(before.id).result()).toEqual(['old', before.id])
  expect(await app.job(after.id).result()).toEqual(['new', after.id])
})

it('a restart tries what failed again, and repeats nothing that was done', async () => {
  const calls: string[] = []
  let works = false
  await deploy(async (flow) => {
    const a = await flow.step('a', () => calls.push('a'))
    const b = await flow.step(
      'b',
      () => {
        if (!works) throw new Error('not yet')
        return calls.push('b')
      },
      { retry: { attempts: 1 } },
    )
    return [a, b]
  })
  const run = await app.enqueue('flow')
  expect(await run.wait()).toMatchObject({ state: 'failed', error: { message: 'not yet' } })
  works = true
  await run.restart()
  expect(await run.result()).toEqual([1, 2])
  expect(calls).toEqual(['a', 'b'])
})

it('a restart tries again what failed and was caught, and goes on past what follows it, also when it is read once more', async () => {
  const calls: string[] = []
  let works = false
  const call = (name: string, ok = true) => {
    if (!ok) throw new Error(`no ${name}`)
    return calls.push(name)
  }
  const code = async (flow: Flow) => {
    const once = { retry: { attempts: 1 } }
    const caught = await flow.step('caught', () => call('caught', works), once).catch(() => 'caught')
    const between = await flow.step('between', () => call('between'))
    const last = await flow.step('last', () => call('last', works), once)
    return [caught, between, last, await flow.signal('go')]
  }
  await deploy(code)
  const { id } = await app.enqueue('flow')
  expect(await app.job(id).wait()).toMatchObject({ state: 'failed', error: { message: 'no last' } })
  works = true
  await app.job(id).restart()
  await untilState(app, id, 'suspended')
  await app.close()
  await deploy(code)
  await app.job(id).signal('go', 'went')
  expect(await app.job(id).result()).toEqual([2, 1, 3, 'went'])
  expect(calls).toEqual(['between', 'caught', 'last'])
})

it('values that are made up are the same in every replay', async () => {
  const seen: unknown[] = []
  const code = async (flow: Flow) => {
    seen.push([flow.now(), flow.random(), flow.uuid()])
    await flow.signal('go')
  }
  await deploy(code)
  const { id } = await app.enqueue('flow')
  await untilState(app, id, 'suspended')
  await app.close()
  await deploy(code)
  await app.job(id).signal('go')
  await app.job(id).wait()
  expect(seen).toHaveLength(2)
  expect(seen[1]).toEqual(seen[0])
})

it('ten thousand recorded steps are replayed in no time, and none is called again', async () => {
  let calls = 0
  let tookMs: number[] = []
  const code = async (flow: Flow) => {
    tookMs = []
    for (let at = 0; at < 10; at++) {
      const begunAt = performance.now()
      await flow.all(Array.from({ length: 1_000 }, (_, index) => flow.step(`${index}`, () => ++calls)))
      tookMs.push(performance.now() - begunAt)
    }
    await flow.signal('go')
  }
  await deploy(code)
  const { id } = await app.enqueue('flow')
  await untilState(app, id, 'suspended')
  await app.close()
  await deploy(code)
  await app.job(id).signal('go')
  expect(await app.job(id).wait()).toMatchObject({ state: 'succeeded' })
  expect(calls).toBe(10_000)
  // It does not grow with the square: the last thousand take no longer than the first. The quickest of five, since a busy
  // machine makes some of them slow.
  const [first, last] = [Math.min(...tookMs.slice(0, 5)), Math.min(...tookMs.slice(5))]
  expect(last).toBeLessThan(3 * first)
})

it('a step that is refused a value fails with its name', async () => {
  await deploy((flow) => flow.step('big', () => 10n, { retry: { attempts: 1 } }))
  const end = await (await app.enqueue('flow')).wait()
  expect(end).toMatchObject({ state: 'failed', error: { code: 'NOT_SERIALIZABLE', data: { step: 'big' } } })
})

it('signals and children of runs that are not there fail the wait for them', async () => {
  await deploy(async (flow) => {
    const { id } = await flow.start({ kind: 'flow', base: { kind: 'flow' } } as never, undefined, {
      enqueue: { delay: '1h' },
    })
    await flow.send(id, 'early', 1)
    return flow.send(999, 'none').catch((error: { code: string }) => error.code)
  })
  const run = await app.enqueue('flow')
  expect(await run.result()).toBe('NOT_FOUND')
})

it('the key of a step is its own for ever: after a restart the same, after a new beginning another', async () => {
  const keys: string[] = []
  let works = false
  await deploy(async (flow) => {
    await flow.step(
      'first',
      ({ key }) => {
        keys.push(key)
        if (!works) throw new Error('not yet')
      },
      { retry: { attempts: 1 } },
    )
    if (keys.length < 3) flow.continueAsNew()
  })
  const run = await app.enqueue('flow')
  await run.wait()
  works = true
  await run.restart()
  await run.result()
  expect(keys).toEqual(['1.0', '1.0', '1.3.0'])
})

it('a restart of a run that was cancelled goes on as if nobody had cancelled it', async () => {
  const begun = Promise.withResolvers<void>()
  let calls = 0
  await deploy(async (flow) => {
    const first = await flow.step('first', () => ++calls)
    return flow.step('long', async ({ signal }) => {
      if (++calls > 2) return [first, calls]
      begun.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw new Error('stopped')
    })
  })
  const run = await app.enqueue('flow')
  await begun.promise
  await run.cancel()
  expect(await run.wait()).toMatchObject({ state: 'cancelled' })
  await run.restart()
  expect(await run.result()).toEqual([1, 3])
})
