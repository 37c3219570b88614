/** Queries, updates and streams of workflow runs, in the process that owns the store, over its socket, and through a node. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectNode } from '../client/remote/dial-node.ts'
import { App, job, open, workflow } from '../index.ts'
import { serveHttp } from '../server/http/serve.ts'

const count = workflow('count', {
  run: async (flow, input: { start: number }) => {
    let total = input.start
    const { promise: over, resolve } = Promise.withResolvers<void>()
    flow.query('total', () => total)
    flow.query('plus', (more: number) => total + more)
    flow.query('late', async () => total)
    flow.query('meddling', () => flow.sleep('1s'))
    flow.query('broken', () => {
      throw new Error('no idea')
    })
    flow.update('add', { validate: atLeastOne }, async (more: number) => {
      const before = total
      total = await flow.step(`add ${more} to ${before}`, () => before + more)
      return total
    })
    flow.update('end', () => resolve())
    flow.update('break', () => {
      throw new Error('it broke')
    })
    await over
    return total
  },
})

function atLeastOne(more: number): void {
  if (!(more >= 1)) throw new Error(`${more} is not at least 1`)
}

const rounds = workflow('rounds', {
  run: async (flow, { total, round = 1 }: { total: number; round?: number }) => {
    let sum = total
    flow.query('total', () => sum)
    flow.query('round', () => round)
    flow.update('add', (more: number) => {
      sum += more
      return sum
    })
    await flow.signal('again')
    flow.continueAsNew({ total: sum, round: round + 1 })
  },
})

const talk = workflow('talk', {
  run: async (flow, words: string[]) => {
    const said = flow.stream<string>('words')
    for (const word of words) {
      await said.write(word)
      await flow.stream('other').write({ about: word })
      if (word === 'stop') await flow.signal('go')
    }
  },
})

/** Ways from a caller to a run whose worker is elsewhere. */
const WAYS = {
  'in one process': async () => {
    const app = await open('sqlite::memory:')
    return { caller: app, elsewhere: app, close: () => app.close() }
  },
  'over a socket': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perdure-handlers-'))
    const owner = await open(`sqlite:${join(folder, 'app.db')}`)
    const [caller, elsewhere] = await Promise.all(
      [0, 1].map(() => open(`unix:${join(folder, 'app.db.sock')}`)),
    )
    const close = async () => {
      for (const app of [caller, elsewhere, owner]) await app?.close()
      rmSync(folder, { recursive: true, force: true })
    }
    return { caller: caller as App, elsewhere: elsewhere as App, close }
  },
  'through a node': async () => {
    const owner = await open('sqlite::memory:')
    const served = await serveHttp(owner.client, { host: '127.0.0.1', port: 0 })
    const [caller, elsewhere] = await Promise.all(
      [0, 1].map(async () => new App(await connectNode({ url: served.url }))),
    )
    const close = async () => {
      for (const app of [caller, elsewhere]) await app?.close()
      await served.close()
      await owner.close()
    }
    return { caller: caller as App, elsewhere: elsewhere as App, close }
  },
}

describe.each(Object.entries(WAYS))('%s', (_, way) => {
  let caller: App
  let elsewhere: App
  let close: () => Promise<unknown>
  beforeEach(async () => {
    ;({ caller, elsewhere, close } = await way())
  })
  afterEach(() => close())

  async function asleep(id: number): Promise<void> {
    while ((await caller.get(id)).state !== 'suspended')
      await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('a run answers queries from what it knows, and goes on as before', async () => {
    elsewhere.work([count])
    const run = await caller.enqueue(count, { start: 5 })
    await asleep(run.id)
    const before = (await caller.client.workflows.journal(run.id)).rows
    expect(await run.query('total')).toBe(5)
    expect(await run.query('plus', 3)).toBe(8)
    expect((await caller.client.workflows.journal(run.id)).rows).toEqual(before)
    expect((await run.status()).attempts).toBe(1)
    await expect(run.query('totl')).rejects.toMatchObject({ code: 'NO_HANDLER' })
    await expect(run.query('broken')).rejects.toThrow('no idea')
    for (const name of ['late', 'meddling'])
      await expect(run.query(name)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await run.update('end')
    expect(await run.result()).toBe(5)
    expect(await run.query('total')).toBe(5)
  })

  it('what is told again by its id is told once, also to a run that began anew meanwhile', async () => {
    elsewhere.work([rounds])
    const run = await caller.enqueue(rounds, { total: 0 })
    expect(await run.update('add', 2, { id: 'two' })).toBe(2)
    // as one is told first that is told again where the connection breaks
    const { workflows } = caller.client
    expect(await workflows.update(run.id, 'add', 5, { id: 'five', isNew: true })).toBe(7)
    for (let each = 0; each < 2; each++) await run.signal('again', undefined, { id: 'first' })
    while ((await caller.client.workflows.journal(run.id)).origin === 0)
      await new Promise((resolve) => setTimeout(resolve, 5))
    await asleep(run.id)
    // its answer went with the journal
    const again = [run.update('add', 2, { id: 'two', timeout: '500ms' })]
    again.push(run.update('add', 5, { id: 'five', timeout: '500ms' }))
    for (const answer of again) await expect(answer).rejects.toThrow()
    await run.update('add', 3, { id: 'three' })
    expect(await run.query('total')).toBe(10)
    expect(await run.query('round')).toBe(2)
  })

  it('an update is let in, carried out and on record before it is answered', async () => {
    elsewhere.work([count])
    const run = await caller.enqueue(count, { start: 0 })
    expect(await run.update('add', 2)).toBe(2)
    expect(await run.query('total')).toBe(2)
    await asleep(run.id)
    expect(await run.update('add', 3, { id: 'three' })).toBe(5)
    expect(await run.update('add', 3, { id: 'three' })).toBe(5)
    await asleep(run.id)
    const before = (await caller.client.workflows.journal(run.id)).rows
    await expect(run.update('add', 0)).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('0 is not at least 1'),
    })
    await expect(run.update('ad', 1)).rejects.toMatchObject({ code: 'NO_HANDLER' })
    expect((await caller.client.workflows.journal(run.id)).rows).toEqual(before)
    await expect(run.update('break')).rejects.toThrow('it broke')
    const sums = await Promise.all([1, 2, 3, 4].map((more) => run.update<number>('add', more)))
    expect(Math.max(...sums)).toBe(15)
    await run.update('end')
    expect(await run.result()).toBe(15)
    await expect(run.update('add', 1)).rejects.toMatchObject({ code: 'WRONG_STATE' })
    expect(await run.update('add', 3, { id: 'three' })).toBe(5)
    expect(await caller.client.check()).toEqual([])
  })

  it('another worker answers from the journal', async () => {
    const first = elsewhere.work([count])
    const run = await caller.enqueue(count, { start: 0 })
    await run.update('add', 7)
    await asleep(run.id)
    await first.stop()
    // it waits for the next one
    const asked = run.query('total')
    elsewhere.work([count])
    expect(await asked).toBe(7)
    expect(await run.update('add', 1)).toBe(8)
  })

  it('a run that is not there, or of which nobody knows the code', async () => {
    elsewhere.work([job('other', { queue: 'count', run: () => 1 })])
    const run = await caller.enqueue(count, { start: 0 })
    const soon = { timeout: '50ms' } as const
    await expect(run.query('total', 1, soon)).rejects.toMatchObject({ code: 'NO_WORKER' })
    await expect(run.update('add', 1, soon)).rejects.toMatchObject({ code: 'NO_WORKER' })
    await expect(caller.job(999).query('total')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(caller.job(999).update('add')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const stream = caller.job(999).stream('words')[Symbol.asyncIterator]()
    await expect(stream.next()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('a stream is read as it is written, once, and from where a reader left off', async () => {
    elsewhere.work([talk])
    const run = await caller.enqueue(talk, ['one', 'two', 'stop', 'three'])
    const stream = run.stream<string>('words')
    const words: string[] = []
    for await (const word of stream) {
      words.push(word)
      if (word === 'two') break
    }
    expect(words).toEqual(['one', 'two'])
    const rest: string[] = []
    for await (const word of run.stream<string>('words', { from: stream.offset })) {
      rest.push(word)
      if (word === 'stop') await run.signal('go')
    }
    expect(rest).toEqual(['stop', 'three'])
    const all: unknown[] = []
    for await (const { about } of run.stream<{ about: string }>('other')) all.push(about)
    expect(all).toEqual(['one', 'two', 'stop', 'three'])
  })

  it('a reader who stops holds nobody', async () => {
    elsewhere.work([talk])
    const run = await caller.enqueue(talk, ['stop'])
    const stop = new AbortController()
    const words: string[] = []
    for await (const word of run.stream<string>('words', { signal: stop.signal })) {
      words.push(word)
      setTimeout(() => stop.abort(), 20)
    }
    expect(words).toEqual(['stop'])
    await run.signal('go')
    await run.result()
  })
})
