/** The channel of the example, against a stand-in for Telegram on this machine. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type App, open, rejectAnswer, workflow } from '../../src/index.ts'
import { TelegramChannel } from './channel.ts'
import { StandIn } from './stand-in.ts'

const TOKEN = '12:secret'
let standIn: StandIn
let telegram: TelegramChannel
let app: App
let stop: AbortController
let listening: Promise<void>

beforeEach(async () => {
  standIn = new StandIn(TOKEN)
  telegram = new TelegramChannel({ token: TOKEN, chat: 5, api: await standIn.open() })
  app = await open('memory:')
  stop = new AbortController()
  listening = telegram.listen(app, stop.signal)
  app.work([lunch])
})
afterEach(async () => {
  stop.abort()
  await listening
  await app.close()
  await standIn.close()
})

const lunch = workflow('lunch', {
  run: (flow, dish: string) =>
    flow.human<boolean, string>({
      title: `Is there ${dish}?`,
      notify: (notice) => telegram.notify(notice),
      process: (isThere, by) => {
        if (dish === 'fish' && isThere) throw rejectAnswer('it is not Friday')
        return `${by} says ${isThere}`
      },
    }),
})

test('a question is a message with buttons, and a press is its answer', async () => {
  const run = await app.enqueue(lunch, 'soup')
  const sent = await standIn.next()
  expect(sent).toMatchObject({ chat_id: 5, text: 'Is there soup?' })
  const buttons = sent.reply_markup.inline_keyboard.flat()
  expect(buttons.map(({ text }) => text)).toEqual(['Yes', 'No'])
  // as long as Telegram allows, also for the longest id
  for (const { callback_data } of buttons) expect(callback_data.length).toBeLessThanOrEqual(64 - 15)
  standIn.press(sent, 'Yes', 'ada')
  expect(await run.result()).toBe('ada says true')
  standIn.press(sent, 'No', 'bo')
  await standIn.until(() => standIn.told.length === 2)
  expect(standIn.told).toEqual(['Thank you', 'Nobody asks this any more'])
})

test('an answer that is not taken is asked for again, with the reason', async () => {
  const run = await app.enqueue(lunch, 'fish')
  standIn.press(await standIn.next(), 'Yes', 'ada')
  const again = await standIn.next()
  expect(again.text).toContain('The last answer was not taken: it is not Friday')
  standIn.press(again, 'No', 'ada')
  expect(await run.result()).toBe('ada says false')
})

test('a busy Telegram is asked again, one that refuses is not', async () => {
  standIn.refusals.push({ status: 429, description: 'Too Many Requests: retry after 1' })
  const run = await app.enqueue(lunch, 'soup')
  standIn.press(await standIn.next(), 'Yes', 'ada')
  expect(await run.result()).toBe('ada says true')
  standIn.refusals.push({ status: 403, description: 'Forbidden: bot was blocked by the user' })
  const blocked = await app.enqueue(lunch, 'stew')
  expect(await blocked.wait()).toMatchObject({
    state: 'failed',
    error: { message: 'Telegram refused sendMessage: Forbidden: bot was blocked by the user' },
  })
  expect(standIn.messages).toHaveLength(1)
})

test('what was pressed while nobody listened is taken later', async () => {
  stop.abort()
  await listening
  const run = await app.enqueue(lunch, 'soup')
  standIn.press(await standIn.next(), 'No', 'ada')
  stop = new AbortController()
  listening = telegram.listen(app, stop.signal)
  expect(await run.result()).toBe('ada says false')
})
