/** Runs and the versions of their code. */
import { afterEach, expect, it } from 'vitest'
import { type App, type Flow, open, workflow } from '../index.ts'
import { untilState } from './testdata/until.ts'
import type { VersionOptions } from './version.ts'

let app: App
afterEach(() => {
  delete process.env.PERDURE_VERSION
  return app.close()
})

const order = (name: string, options: VersionOptions = {}) =>
  workflow('order', { ...options, run: async (flow: Flow) => flow.step('who', () => name) })

it('a run stays with workers of its version, and says so where there is none', async () => {
  app = await open('memory:')
  const [one, two] = [order('one', { version: '1' }), order('two', { version: '2' })]
  const old = await app.enqueue(one)
  const fresh = await app.enqueue(two, undefined, { requires: { labels: '!slow' } })
  app.work([two])
  expect(await fresh.result()).toBe('two')
  expect(await app.get(old.id)).toMatchObject({ state: 'ready', unplaced: 'no worker for version 1 is here' })
  // The old code is still deployed somewhere.
  app.work([one], { name: 'old' })
  expect(await old.result()).toBe('one')
})

it('code that accepts an older version takes its runs, and code with a version takes those without', async () => {
  app = await open('memory:')
  const old = await app.enqueue(order('one', { version: '1' }))
  const without = await app.enqueue(order('none'))
  app.work([order('two', { version: '2', accepts: ['1'] })])
  expect(await Promise.all([old.result(), without.result()])).toEqual(['two', 'two'])
})

it('a run that no worker is left for is moved to another version, and goes on from what it did', async () => {
  app = await open('memory:')
  const did: string[] = []
  const code = (version: string) =>
    workflow('order', {
      version,
      run: async (flow: Flow) => {
        await flow.step('charge', () => void did.push(`charge ${version}`))
        await flow.signal('go')
        await flow.step('ship', () => void did.push(`ship ${version}`))
      },
    })
  const old = app.work([code('1')])
  const run = await app.enqueue(code('1'))
  await untilState(app, run.id, 'suspended')
  await old.stop()
  app.work([code('2')])
  await run.signal('go')
  expect((await app.get(run)).unplaced).toBe('no worker for version 1 is here')
  expect(await run.repin('2')).toEqual({ id: run.id, state: 'ready', changed: true })
  await run.result()
  expect(did).toEqual(['charge 1', 'ship 2'])
  await expect(app.repin(run)).rejects.toMatchObject({ code: 'WRONG_STATE' })
  expect(await app.client.check()).toEqual([])
})

it('a run without a version is what is asked for by none', async () => {
  app = await open('memory:')
  const run = await app.enqueue(order('one', { version: '1' }))
  app.work([order('new')])
  expect((await app.get(run)).unplaced).toBe('no worker for version 1 is here')
  await app.repin(run)
  expect(await run.result()).toBe('new')
  const join = await app.group([run])
  await expect(app.repin(join, '1')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(app.repin(run, 'a b')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

it('a version can be a digest of the code, or come from the environment', async () => {
  app = await open('memory:')
  const wanted = async (definition: ReturnType<typeof order>) => {
    const { id } = await app.enqueue(definition)
    return (await app.get(id)).unplaced
  }
  app.work([workflow('order', { version: 'x', run: () => 1 })])
  const [first, again] = [order('one', { version: true }), order('two', { version: true })]
  expect(first.versions).toEqual(again.versions)
  expect(workflow('order', { version: true, run: () => 1 }).versions).not.toEqual(first.versions)
  process.env.PERDURE_VERSION = '2026-11'
  expect(order('one').versions).toEqual(['version:order=2026-11'])
  expect(await wanted(order('one'))).toBe('no worker for version 2026-11 is here')
})

it('what is no version is refused', async () => {
  app = await open('memory:')
  for (const version of ['a b', '', '-', 'x'.repeat(65), 7]) {
    const isNone = version === ''
    const define = () => order('one', { version: version as string })
    if (isNone) expect(define().versions).toEqual([])
    else expect(define).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  }
  expect(() => order('one', { accepts: 'x' as never })).toThrow(/an array of versions/)
})
