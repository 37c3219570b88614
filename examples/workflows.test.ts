/**
 * The workflows of the examples end the same wherever they are killed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { killAtEveryStep, type Life } from '../src/testing/index.ts'
import { expense } from './approval/definitions.ts'
import { countWords, mostWords } from './map-reduce/definitions.ts'
import { order, ship } from './order/definitions.ts'
import { watcher } from './polling/definitions.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-workflows-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const signal =
  (value: boolean) =>
  ({ run }: Life<unknown>) =>
    run.signal('approved', value)

test.each([
  ['approved', true, { state: 'succeeded', result: 'the lamp is on its way' }],
  ['declined', false, { state: 'failed', error: { message: 'the order of the lamp was declined' } }],
])('an order that is %s', async (_, isApproved, end) => {
  const input = { item: 'lamp', card: '4242' }
  const killed = await killAtEveryStep(order, input, { work: [ship], during: signal(isApproved) })
  expect(killed.end).toMatchObject(end)
  expect(killed.deaths).toBeGreaterThan(20)
})

test('an expense that is approved at the second answer', async () => {
  /** Answers what is asked; a run that has just lost its process asks after a while. */
  const answer = async ({ app }: Life<string>) => {
    for (let minute = 0; minute < 4; minute++) {
      await app.advance('1m')
      for await (const { token, rejected } of app.inbox()) {
        const amount = rejected === null ? 120 : 70
        await app.answer(token, { isApproved: true, amount }, { by: 'ada' })
      }
    }
  }
  const killed = await killAtEveryStep(expense, { what: 'chairs', amount: 80 }, { during: answer })
  expect(killed.end.result).toBe('ada had 70 paid for chairs')
})

test('an expense that nobody wants to decide about', async () => {
  const { end } = await killAtEveryStep(expense, { what: 'a boat', amount: 90_000 })
  expect(end.result).toBe('nobody wanted to pay for a boat')
})

test('an agent that looks at a file', async () => {
  const file = join(folder, 'state.txt')
  const input = { file, everyMs: 3_600_000, each: 2, looks: 0, seen: [] }
  const { end } = await killAtEveryStep(watcher, input, {
    before: () => writeFileSync(file, 'ordered'),
    during: async ({ app }) => {
      // long enough to begin anew
      await app.advance('3h')
      writeFileSync(file, 'done')
    },
    // the world goes on while nobody looks
    compare: ({ state, result }) => [state, (result as { seen: string[] }).seen.at(-1)],
  })
  expect(end.result).toEqual({ looks: 5, seen: ['ordered', 'done'] })
})

test('words of files', async () => {
  mkdirSync(join(folder, 'pages'))
  const texts = ['some words here', 'some more words', 'words again, and words', 'nothing']
  for (const [at, text] of texts.entries()) writeFileSync(join(folder, 'pages', `${at}.md`), text)
  const input = { folder: join(folder, 'pages'), most: 2 }
  const { end } = await killAtEveryStep(mostWords, input, { work: [countWords] })
  expect(end.result).toEqual({
    files: 4,
    words: [
      ['words', 4],
      ['some', 2],
    ],
  })
})
