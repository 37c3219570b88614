/**
 * The examples on the pages of errors are messages that a user really gets, where one can be had without breaking a disk.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { draft, type ErrorCode, job, open, PerdureError } from '../src/index.ts'
import { codeBlocks } from './lib/markdown.ts'

const app = await open('memory:')
afterAll(() => app.close())

const resize = job('resize', {
  input: z.object({ width: z.number() }),
  output: z.object({ bytes: z.number() }),
  retry: 1,
  run: () => ({}) as never,
})
const kind = job('kind')

/** Mistakes, by the code that each of them gets. */
const MISTAKES: Partial<Record<ErrorCode, () => unknown>> = {
  INVALID_OPTION: () => job('resize', { priorty: 3 } as never),
  INVALID_NAME: () => app.enqueue(kind, 1, { queue: 'my queue' }),
  INVALID_DURATION: () => job('resize', { retry: { min: '10' } }),
  INVALID_URL: () => open('postgres://db/app'),
  INVALID_CURSOR: () => app.list({ cursor: 'abc' }),
  INVALID_INPUT: () => app.enqueue(resize, { width: 'wide' } as never),
  NOT_SERIALIZABLE: () => app.enqueue(kind, { total: 5n }),
  TOO_LARGE: () => app.enqueue(kind, 'x'.repeat(5_000_010)),
  NOT_FOUND: () => app.get(17),
  CYCLE: () => {
    const circle = [0, 1, 2].map(() => draft(kind))
    const [first, second, third] = circle
    Object.assign(first ?? {}, { options: { after: [third] } })
    Object.assign(third ?? {}, { options: { after: [first] } })
    return app.enqueueMany([first, second, third].filter((one) => one !== undefined))
  },
  STORE_FOREIGN: () => open('sqlite:/etc/hosts'),
  UNAVAILABLE: () => open('unix:/var/app.db.sock'),
}

function example(code: string): string {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'errors', `${code}.md`), 'utf8')
  return codeBlocks(page)[0]?.text.trimEnd() ?? ''
}

test.each(Object.entries(MISTAKES))('%s', async (code, make) => {
  const thrown = await new Promise((resolve) => resolve(make())).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(PerdureError)
  const error = thrown as PerdureError
  expect(error.code).toBe(code)
  expect(error.message).toBe(example(code))
})

test('INVALID_OUTPUT, as the error of a job', async () => {
  const worker = app.work([resize])
  const handle = await app.enqueue(resize, { width: 1 })
  const { error } = await handle.wait({ timeout: '10s' })
  expect(error).toMatchObject({ code: 'INVALID_OUTPUT', message: example('INVALID_OUTPUT') })
  await worker.stop()
})

test('KEY_CONFLICT and WRONG_STATE, but for the number of the job', async () => {
  const first = await app.enqueue(kind, 1, { key: 'order-17' })
  const withNumber = (code: string) => example(code).replace(/job \d+/, `job ${first.id}`)
  await expect(app.enqueue(kind, 2, { key: 'order-17' })).rejects.toThrow(withNumber('KEY_CONFLICT'))
  const found = withNumber('WRONG_STATE').replace("'running'", "'ready'")
  await expect(first.restart()).rejects.toThrow(found)
})
