/** A workflow that is killed at every operation of its store ends as one that never is, and repeats no recorded step. */
import { expect, it } from 'vitest'
import { createEmbeddedClient } from '../client/embedded/client.ts'
import { Engine } from '../engine/engine.ts'
import { App, job, workflow } from '../index.ts'
import { systemSurroundings } from '../runtime/services.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { type Death, MortalStore } from '../testing/mortal-store.ts'

/** What the code did to the world, and how often. */
let done: Map<string, number>
const effect = (name: string) => {
  done.set(name, (done.get(name) ?? 0) + 1)
  return name
}

/** A lost attempt is tried again at once. */
const retry = { attempts: 20, min: '1ms', max: '1ms' } as const
const thumb = job('thumb', { retry, run: (image: string) => effect(`thumb ${image}`) })
const part = workflow('part', {
  retry,
  run: async (flow, name: string) => {
    await flow.sleep('1ms')
    return flow.step(`part ${name}`, () => effect(`part ${name}`))
  },
})
const order = workflow('order', {
  retry,
  run: async (flow, input: { fails: boolean }) => {
    const id = flow.uuid()
    const charge = await flow.step('charge', () => effect('charge'), { undo: () => effect('refund') })
    const thumbs = await flow.all([flow.call(thumb, 'a'), flow.call(thumb, 'b'), flow.call(part, 'c')])
    const [first] = await flow.all([
      flow.race([flow.sleep('1ms'), flow.signal('never')]),
      flow.step('beside', async () => effect('beside')),
    ])
    const approved = await flow.signal('approved')
    if (input.fails)
      await flow.step('fail', () => Promise.reject(new Error('no')), { retry: { attempts: 1 } })
    return { hasId: id.length, charge, thumbs, first, approved, isNew: flow.patched('new') }
  },
})

const RESULT = {
  hasId: 36,
  charge: 'charge',
  thumbs: ['thumb a', 'thumb b', 'part c'],
  approved: true,
  isNew: true,
}

async function begin(store: MortalStore): Promise<App> {
  const engine = await Engine.open(store, systemSurroundings(), { retentionEveryMs: 0 })
  const app = new App(createEmbeddedClient(engine))
  app.work([order, part, thumb]).on('error', () => {})
  return app
}

/** Runs it in processes of which the first dies; answers how it ended, and how many operations the first one saw. */
async function run(fails: boolean, death: Death) {
  done = new Map()
  const store = createMemoryStore()
  const mortal = new MortalStore(store, death)
  let operations: number
  try {
    const first = await begin(mortal)
    const handle = await first.enqueue(order, { fails }, { key: 'one' })
    await handle.signal('approved', true)
    await handle.wait()
    await first.close()
  } catch {
    // killed
  } finally {
    operations = mortal.operations
    await store.close()
  }
  const second = await begin(new MortalStore(store, { at: Infinity, isAfter: false }))
  const handle = await second.enqueue(order, { fails }, { key: 'one' })
  // Told before the first died, or not: a second one is kept by a run that has heard the first.
  await handle.signal('approved', true).catch(() => {})
  const end = await handle.wait({ timeout: '20s' })
  const problems = await second.client.check()
  await second.close()
  return { end, operations, problems }
}

it.each([
  ['succeeds', false],
  ['fails and is undone', true],
])(
  'killed at every operation, a workflow that %s ends as if it had not been',
  { timeout: 120_000 },
  async (_, fails) => {
    const { operations } = await run(fails, { at: Infinity, isAfter: false })
    expect(operations).toBeGreaterThan(15)
    for (const isAfter of [false, true]) {
      for (let at = 2; at <= operations; at++) {
        const { end, problems } = await run(fails, { at, isAfter })
        const where = `killed ${isAfter ? 'after' : 'before'} operation ${at}`
        if (fails) expect(end, where).toMatchObject({ state: 'failed', error: { message: 'no' } })
        else expect(end, where).toMatchObject({ state: 'succeeded', result: RESULT })
        expect(problems, where).toEqual([])
        // A death repeats the one step that was done and not yet recorded, and no other.
        const repeats = [...done.values()].reduce((sum, times) => sum + times - 1, 0)
        expect(Math.max(...done.values()), where).toBeLessThanOrEqual(2)
        expect(repeats, where).toBeLessThanOrEqual(3)
        expect(done.get('refund') ?? 0, where).toBeGreaterThanOrEqual(fails ? 1 : 0)
      }
    }
  },
)
