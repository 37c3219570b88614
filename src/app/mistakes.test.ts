/** What those who write their first program get wrong: each is told by name, before anything is done. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type App, draft, job, open, type PerdureError, workflow } from '../index.ts'

let app: App
beforeEach(async () => {
  app = await open('memory:')
})
afterEach(() => app.close())

const resize = job('resize', { run: (width: number) => width })
// biome-ignore lint/suspicious/noExplicitAny: mistakes that the compiler would have found
const wrong = (value: unknown): any => value

const MISTAKES: Record<string, readonly [code: string, message: string | RegExp, make: () => unknown]> = {
  'a kind with a blank': ['INVALID_NAME', 'the kind of a job to be 1 to 128 letters', () => job('my job')],
  'a queue with a blank': ['INVALID_NAME', 'job("a") queue', () => job('a', { queue: 'my queue' })],
  'a function in place of options': [
    'INVALID_OPTION',
    'found a function. Write job("a", { run: ... })',
    () =>
      job(
        'a',
        wrong(async () => 1),
      ),
  ],
  'a workflow that is only a function': [
    'INVALID_OPTION',
    'Write workflow("a", { run: ... })',
    () =>
      workflow(
        'a',
        wrong(async () => 1),
      ),
  ],
  'a workflow without options': [
    'INVALID_OPTION',
    'the options of workflow("a") to be an object',
    () => workflow('a', wrong(undefined)),
  ],
  'a misspelled option of a workflow': [
    'INVALID_OPTION',
    'found "versoin". Did you mean version?',
    () => workflow('a', wrong({ run: () => 1, versoin: '1' })),
  ],
  'no definition': ['INVALID_OPTION', 'Define it before it is used', () => app.enqueue(wrong(undefined), 1)],
  'no definition of a draft': ['INVALID_OPTION', 'the definition of draft', () => draft(wrong(null), 1)],
  'one draft without an array': [
    'INVALID_OPTION',
    'Give the drafts of enqueueMany in an array',
    () => app.enqueueMany(wrong(draft(resize, 1))),
  ],
  'handlers by name': [
    'INVALID_OPTION',
    'the definitions of work to be an array of definitions; found an object',
    () => app.work(wrong({ resize: () => 1 })),
  ],
  'a function among definitions': [
    'INVALID_OPTION',
    'each definition of work to be what job(...) or workflow(...) gives; found a function',
    () => app.work([wrong(() => 1)]),
  ],
  'two definitions of a kind': [
    'INVALID_OPTION',
    'found two of kind "resize". Give each kind once',
    () => app.work([resize, resize]),
  ],
  'a state that there is not': [
    'UNKNOWN_STATE',
    'Did you mean succeeded?',
    () => app.list({ states: wrong(['succeded']) }),
  ],
  'a misspelled property of a query': [
    'INVALID_OPTION',
    'found "state". Did you mean states?',
    () => app.list(wrong({ state: ['failed'] })),
  ],
  'a page that is too long': [
    'INVALID_OPTION',
    "Give 'limit' a whole number from 1 to 1000",
    () => app.list({ limit: 5_000 }),
  ],
}

describe('a mistake', () => {
  it.each(Object.entries(MISTAKES))('%s', async (_, [code, message, make]) => {
    const error = await new Promise((resolve) => resolve(make())).catch((thrown: unknown) => thrown)
    expect((error as PerdureError).code).toBe(code)
    expect((error as PerdureError).message).toContain(message)
  })

  it('in the code of a workflow fails its run with its name', async () => {
    const flow = workflow('flow', { run: (flow) => flow.call(wrong(undefined), 1) })
    app.work([flow])
    const run = await app.enqueue(flow)
    await expect(run.result()).rejects.toThrow('what is called to be the definition of a job or a workflow')
  })

  it('that is none: one time limit is that of each attempt', async () => {
    const { id } = await app.enqueue(job('brief', { timeout: '5m' }))
    expect((await app.get(id)).options.timeouts).toMatchObject({ startToCloseMs: 300_000 })
  })
})
