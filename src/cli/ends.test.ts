import { describe, expect, it } from 'vitest'
import type { Client } from '../client/client.ts'
import type { JobEnd } from '../client/types.ts'
import { exitOf, exitOfAll, Waiting } from './ends.ts'

const end = (changes: Partial<JobEnd>): JobEnd => ({
  id: 1,
  state: 'succeeded',
  result: null,
  error: null,
  ...changes,
})
const failed = (
  code: string,
  data?: Record<string, number | string | null>,
  result: unknown = null,
): JobEnd =>
  end({ state: 'failed', result, error: { code, message: '', ...(data === undefined ? {} : { data }) } })

/** A client whose waits end when the test says so. */
function waits(): { client: Client; settle: Map<number, (error?: Error) => void> } {
  const settle = new Map<number, (error?: Error) => void>()
  const wait = (id: number) =>
    new Promise<JobEnd>((resolve, reject) => {
      settle.set(id, (error) => (error === undefined ? resolve(end({ id })) : reject(error)))
    })
  return { client: { wait } as unknown as Client, settle }
}

describe('exit codes', () => {
  it('are those of the command, or of the error', () => {
    expect(exitOf(end({}))).toBe(0)
    expect(exitOf(end({ state: 'cancelled' }))).toBe(130)
    expect(exitOf(failed('EXIT_CODE', { exitCode: 3, signal: null }))).toBe(3)
    expect(exitOf(failed('EXIT_CODE', { exitCode: null, signal: 'SIGKILL' }))).toBe(1)
    expect(exitOf(failed('EXIT_CODE', undefined, { exitCode: 4 }))).toBe(4)
    expect(exitOf(failed('TIMEOUT'))).toBe(124)
    expect(exitOf(failed('SPAWN_FAILED'))).toBe(126)
    expect(exitOf(failed('SOMETHING_OF_A_HANDLER', { exitCode: 0 }))).toBe(1)
    expect(exitOf(failed('toString'))).toBe(1)
  })

  it('of several are 1, of one its own', () => {
    const last = failed('EXIT_CODE', { exitCode: 3 })
    expect(exitOfAll({ count: 1, failed: 1, last })).toBe(3)
    expect(exitOfAll({ count: 2, failed: 1, last })).toBe(1)
    expect(exitOfAll({ count: 2, failed: 0, last })).toBe(0)
    expect(exitOfAll({ count: 0, failed: 0, last: undefined })).toBe(0)
  })
})

describe('waiting', () => {
  it('ends when all have ended and no more come, with a bounded number under way', async () => {
    const { client, settle } = waits()
    const ends: number[] = []
    const waiting = new Waiting(client, new AbortController().signal, ({ id }) => ends.push(id))
    waiting.add(Array.from({ length: 5_000 }, (_, index) => index + 1))
    expect(settle.size).toBe(4_096)
    const all = waiting.finish()
    while (ends.length < 5_000) {
      for (const [id, resolve] of settle) {
        settle.delete(id)
        resolve()
      }
      await Promise.resolve()
    }
    await all
    expect(ends[0]).toBe(1)
  })

  it('of nothing ends at once', async () => {
    const waiting = new Waiting(waits().client, new AbortController().signal, () => {})
    waiting.add([])
    expect(await waiting.finish()).toBeUndefined()
  })

  it('passes over gaps and fails with anything else', async () => {
    const { client, settle } = waits()
    const waiting = new Waiting(
      client,
      new AbortController().signal,
      () => {},
      (id) => id === 1,
    )
    waiting.add([1, 2])
    settle.get(1)?.(new Error('gap'))
    settle.get(2)?.(new Error('real'))
    await expect(waiting.finish()).rejects.toThrow('real')
  })

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController()
    const waiting = new Waiting(waits().client, stop.signal, () => {})
    waiting.add([1])
    const all = waiting.finish()
    stop.abort(new Error('enough'))
    await expect(all).rejects.toThrow('enough')
  })
})
