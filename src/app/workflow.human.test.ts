/** Questions that a workflow asks people. */
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { type Flow, type HumanNotice, rejectAnswer, workflow } from '../index.ts'
import { openTest, type TestApp } from '../testing/index.ts'
import {
  HUMAN_QUEUE,
  type HumanTask,
  humanSignal,
  humanToken,
  parseHumanToken,
} from '../workflow/human-task.ts'

let app: TestApp
afterEach(() => app.close())

async function begin<Result>(code: (flow: Flow) => Result) {
  const flow = workflow('flow', { run: code })
  app = await openTest([flow])
  const run = await app.enqueue(flow)
  await app.settle()
  return run
}

/** What stands in the inbox. */
async function inbox(): Promise<{ id: number; parent: number | null; task: HumanTask }[]> {
  const states = ['ready', 'running', 'scheduled'] as const
  const { jobs } = await app.list({ queue: HUMAN_QUEUE, states })
  const views = await Promise.all(jobs.map(({ id }) => app.get(id)))
  views.sort((a, b) => a.id - b.id)
  return views.map(({ id, parent, input }) => ({ id, parent, task: input as HumanTask }))
}

/** Answers the oldest question, as the command line does. */
async function answer(value: unknown, by: string | null = null): Promise<void> {
  const [first] = await inbox()
  if (first === undefined) throw new Error('nobody asks')
  await app.job(first.parent as number).signal(humanSignal(first.task.secret), { value, by })
  await app.settle()
}

it('a question stands in the inbox until it is answered', async () => {
  const run = await begin((flow) =>
    flow.human({
      title: 'Ship it?',
      assignee: 'ann',
      prepare: () => ({ total: 7 }),
      form: { type: 'boolean' },
    }),
  )
  const [question] = await inbox()
  expect(question).toMatchObject({
    parent: run.id,
    task: {
      title: 'Ship it?',
      assignee: 'ann',
      about: { total: 7 },
      form: { type: 'boolean' },
      round: 1,
      dueAt: null,
    },
  })
  expect(
    (await app.list({ queue: HUMAN_QUEUE, metadata: [{ name: 'assignee', value: 'ann' }] })).jobs,
  ).toHaveLength(1)
  await answer(true)
  expect(await run.result()).toBe(true)
  expect(await inbox()).toEqual([])
  expect(await app.client.check()).toEqual([])
})

it('an answer that cannot be taken has it asked again, with the reason', async () => {
  const seen: unknown[] = []
  const run = await begin((flow) =>
    flow.human({
      title: 'How many?',
      schema: z.object({ count: z.number() }),
      process: ({ count }, by) => {
        seen.push(by)
        if (count > 10) throw rejectAnswer('at most 10')
        return count * 2
      },
    }),
  )
  await answer('many', 'ann')
  expect((await inbox())[0]?.task).toMatchObject({ round: 2, rejected: { answer: 'many' } })
  await answer({ count: 11 }, 'ann')
  expect((await inbox())[0]?.task).toMatchObject({
    round: 3,
    rejected: { reason: 'at most 10', answer: { count: 11 } },
  })
  await answer({ count: 4 }, 'bob')
  expect(await run.result()).toBe(8)
  expect(seen).toEqual(['ann', 'bob'])
})

it('whoever is asked is told, reminded, and after a while somebody else is asked as well', async () => {
  const notices: HumanNotice[] = []
  const run = await begin((flow) =>
    flow.human<string>({
      title: 'Approve',
      assignee: 'ann',
      notify: (notice) => notices.push(notice),
      remind: '1d',
      escalate: { after: '36h', to: 'bob' },
    }),
  )
  await app.advance('1h')
  expect(notices).toMatchObject([{ reason: 'asked', assignee: 'ann' }])
  await app.advance('2d')
  expect(notices.map(({ reason, assignee }) => [reason, assignee])).toEqual([
    ['asked', 'ann'],
    ['reminder', 'ann'],
    ['escalated', 'bob'],
    ['reminder', 'ann'],
  ])
  const questions = await inbox()
  expect(questions.map(({ task }) => task.assignee)).toEqual(['ann', 'bob'])
  const { job, secret } = parseHumanToken(notices[2]?.token as string) ?? {}
  expect(job).toBe(questions[1]?.id)
  expect(secret).toBe(questions[1]?.task.secret)
  expect(humanToken(job as number, secret as string)).toBe(notices[2]?.token)
  await answer('yes')
  expect(await run.result()).toBe('yes')
  expect(await inbox()).toEqual([])
  expect(await app.client.check()).toEqual([])
})

it('patience ends, and a question can be cancelled', async () => {
  const run = await begin(async (flow) => {
    const late = await flow.human({ title: 'Late', timeout: '1d' })
    const cancelled = await flow.human({ title: 'Cancelled' }).catch((error: { code: string }) => error.code)
    return [late ?? 'nobody', cancelled]
  })
  await app.advance('2d')
  const [question] = await inbox()
  await app.job(question?.id as number).cancel()
  expect(await run.result()).toEqual(['nobody', 'CANCELLED'])
})

it('what is no token is none', () => {
  for (const text of ['', '1', '0-x', `1-${'x'.repeat(36)}`]) expect(parseHumanToken(text)).toBeUndefined()
})
