/** A run that is updated and gives out a stream, killed at every operation of its store: each update counts once, each value comes once. */
import { expect, it } from 'vitest'
import { createEmbeddedClient } from '../client/embedded/client.ts'
import { Engine } from '../engine/engine.ts'
import { App, workflow } from '../index.ts'
import { systemSurroundings } from '../runtime/services.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { type Death, MortalStore } from '../testing/mortal-store.ts'

const till = workflow('till', {
  retry: { attempts: 20, min: '1ms', max: '1ms' },
  run: async (flow) => {
    let total = 0
    const closed = Promise.withResolvers<void>()
    flow.query('total', () => total)
    flow.update('add', async (amount: number) => {
      const before = total
      total = await flow.step(`add ${amount}`, () => before + amount)
      await flow.stream('totals').write(total)
      return total
    })
    flow.update('close', () => closed.resolve())
    await closed.promise
    return total
  },
})

async function begin(store: MortalStore): Promise<App> {
  const engine = await Engine.open(store, systemSurroundings(), { retentionEveryMs: 0 })
  const app = new App(createEmbeddedClient(engine))
  app.work([till]).on('error', () => {})
  return app
}

/** What a caller does, who says the same again after a death. */
async function use(app: App) {
  const run = await app.enqueue(till, undefined, { key: 'one' })
  const told = run.query('total').catch((error: unknown) => error)
  const sums = [await run.update('add', 1, { id: 'a' }), await run.update('add', 2, { id: 'b' })]
  await told
  await run.update('close', undefined, { id: 'c' })
  const result = await run.result({ timeout: '20s' })
  const totals: unknown[] = []
  for await (const total of run.stream('totals')) totals.push(total)
  return { sums, result, totals }
}

async function live(death: Death) {
  const store = createMemoryStore()
  const mortal = new MortalStore(store, death)
  let operations: number
  try {
    const first = await begin(mortal)
    // what it asked for before its death would wait in vain for a worker
    await Promise.race([use(first), mortal.died])
    if (!mortal.isDead) await first.close()
  } catch {
    // killed
  } finally {
    operations = mortal.operations
    await store.close()
  }
  const second = await begin(new MortalStore(store, { at: Infinity, isAfter: false }))
  const used = await use(second)
  const problems = await second.client.check()
  await second.close()
  return { operations, used, problems }
}

it('killed at every operation, its updates count once and its stream is whole', {
  timeout: 120_000,
}, async () => {
  const { operations } = await live({ at: Infinity, isAfter: false })
  expect(operations).toBeGreaterThan(10)
  for (const isAfter of [false, true]) {
    for (let at = 2; at <= operations; at++) {
      const where = `killed ${isAfter ? 'after' : 'before'} operation ${at}`
      const { used, problems } = await live({ at, isAfter })
      expect(used, where).toEqual({ sums: [1, 3], result: 3, totals: [1, 3] })
      expect(problems, where).toEqual([])
    }
  }
})
