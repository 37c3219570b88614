/** The inbox: what runs ask, who sees it, and answers that come too late. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Flow, type Question, workflow } from '../index.ts'
import { openTest, type TestApp } from '../testing/index.ts'
import { readQuestion } from './inbox.ts'

const ask = workflow('ask', {
  run: (flow: Flow, assignee: string | null) =>
    flow.human<boolean>({ title: 'May I?', ...(assignee === null ? {} : { assignee }) }),
})

let app: TestApp
beforeEach(async () => {
  app = await openTest([ask])
})
afterEach(() => app.close())

async function questions(options?: Parameters<TestApp['inbox']>[0]): Promise<Question[]> {
  await app.settle()
  const found: Question[] = []
  for await (const question of app.inbox(options)) found.push(question)
  return found
}

it('lists what is asked, for everybody or for one person', async () => {
  const runs = [await app.enqueue(ask, 'ada'), await app.enqueue(ask, null)]
  const all = await questions()
  expect(all.map(({ run, assignee }) => [run, assignee])).toEqual([
    [runs[0]?.id, 'ada'],
    [runs[1]?.id, null],
  ])
  expect(all[0]).toMatchObject({ title: 'May I?', rejected: null, round: 1, askedAt: app.now() })
  expect(all[0]).not.toHaveProperty('secret')
  expect((await questions({ assignee: 'ada' })).map(({ run }) => run)).toEqual([runs[0]?.id])
  expect(await questions({ namespace: 'other' })).toEqual([])
  expect(await readQuestion(app.client, all[0]?.token ?? '')).toEqual(all[0])
})

it('an answer reaches the run, once', async () => {
  const run = await app.enqueue(ask, 'ada')
  const [question] = await questions()
  await app.answer(question?.token ?? '', true, { by: 'bo' })
  expect(await run.result()).toBe(true)
  expect(await questions()).toEqual([])
  await expect(app.answer(question?.token ?? '', true)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

it('tokens that name nothing, or something else, are all the same', async () => {
  const run = await app.enqueue(ask, 'ada')
  const [question] = await questions()
  const { id = 0, token = '' } = question ?? {}
  const other = `${id}-${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`
  for (const wrong of [
    '',
    'x',
    `${id}`,
    other,
    token.replace(/^\d+/, '999'),
    token.replace(/^\d+/, `${run.id}`),
  ])
    await expect(app.answer(wrong, true), wrong).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await run.cancel()
  await expect(app.answer(token, true)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
