/** The typed surface, a worker, functions and a real engine, together. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { draft, fatal, group, job, open, snooze } from '../index.ts'

const folder = mkdtempSync(join(tmpdir(), 'perdure-app-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const echo = job('echo', { run: async (input: number) => input })
const stubborn = job('stubborn', {
  timeout: { attempt: '50ms', grace: '20ms' },
  retry: 1,
  run: () => new Promise<never>(() => {}),
})
const patient = job('patient', {
  run: (_, { signal, progress }) =>
    new Promise<never>((_, reject) => {
      progress(0.5, 'half')
      signal.addEventListener('abort', () => reject(new Error('aborted')))
    }),
})

describe.each(['memory:', 'sqlite::memory:', `sqlite:${join(folder, 'with space.db')}`])('%s', (url) => {
  it('tries again what failed, with its output kept', async () => {
    await using app = await open(url)
    const flaky = job('flaky', {
      retry: { attempts: 3, min: 1 },
      run: (name: string, ctx) => {
        ctx.log(`attempt ${ctx.attempt}`)
        if (ctx.attempt < 3) throw new Error('not yet')
        return { name, last: ctx.isLastAttempt }
      },
    })
    app.work([flaky])
    const handle = await app.enqueue(flaky, 'x')
    expect(await handle.result()).toEqual({ name: 'x', last: true })
    const texts: string[] = []
    for await (const { text } of handle.logs()) texts.push(text)
    expect(texts).toEqual(['attempt 1\n', 'attempt 2\n', 'attempt 3\n'])
    expect((await handle.status()).history.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'failed',
      'succeeded',
    ])
  })

  it('ends by timeout, by directive, and for good', async () => {
    await using app = await open(url)
    let snoozes = 0
    const sleepy = job('sleepy', { run: () => (snoozes++ === 0 ? snooze(1) : 'awake') })
    const broken = job('broken', {
      run: () => {
        throw fatal('no such customer')
      },
    })
    app.work([stubborn, sleepy, broken])
    const [late, rested, wrong] = [
      await app.enqueue(stubborn),
      await app.enqueue(sleepy),
      await app.enqueue(broken),
    ]
    await expect(late.result()).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(await rested.result()).toBe('awake')
    await expect(wrong.result()).rejects.toMatchObject({
      message: expect.stringContaining('no such customer'),
    })
    expect((await wrong.status()).attempts).toBe(1)
  })

  it('cancels what runs, and tells who watches', async () => {
    await using app = await open(url)
    const handle = await app.enqueue(patient)
    const seen: string[] = []
    const watching = (async () => {
      for await (const { state, progress } of handle.watch()) {
        seen.push(state)
        if (state === 'running' && progress !== undefined) void handle.cancel({ reason: 'enough' })
        if (state === 'cancelled') break
      }
    })()
    app.work([patient])
    await expect(handle.result()).rejects.toMatchObject({ code: 'CANCELLED' })
    await watching
    expect([seen[0], seen.at(-1)]).toEqual(['running', 'cancelled'])
  })

  it('runs a graph that was given in any order', async () => {
    await using app = await open(url)
    const leaves = Array.from({ length: 300 }, (_, n) => draft(echo, n))
    const [all, first, ...rest] = await app.enqueueMany([
      group(leaves),
      draft(echo, 7, { key: 'k' }),
      ...leaves,
    ])
    app.work([echo], { concurrency: 50 })
    await all.result()
    expect(await first.result()).toBe(7)
    expect(await rest[299]?.result()).toBe(299)
    expect((await app.enqueue(echo, 7, { key: 'k' })).created).toBe(false)
  })

  it('gives back what runs at the end, and burns no attempt', async () => {
    const app = await open(url)
    const started = Promise.withResolvers<void>()
    const worker = app.work([patient], { drain: 0 })
    worker.on('started', () => started.resolve())
    const handle = await app.enqueue(patient)
    await started.promise
    await worker.stop()
    expect(await handle.status()).toMatchObject({ state: 'ready', attemptsSinceRestart: 0 })
    await app.close()
  })
})
