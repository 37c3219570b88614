/** Histories fit the code that made them, and show where other code differs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readHistory } from '../app/history.ts'
import { type Flow, job, workflow } from '../index.ts'
import { openTest, replay } from './index.ts'

const mail = job('mail', { run: (to: string) => `to ${to}` })
const calls: string[] = []
const define = (run: (flow: Flow, input: string) => unknown) => workflow('order', { run })

const original = define(async (flow, to) => {
  const charge = await flow.step('charge', () => calls.push('charge'))
  await flow.sleep('1d')
  const id = flow.uuid()
  const sent = await flow.call(mail, to)
  const answer = await flow.signal<string>('answer')
  return { charge, sent, answer, hasId: id.length }
})

/** The history of a run of the original code: ended, or waiting for its signal. */
async function history(isAnswered: boolean) {
  await using app = await openTest([original, mail])
  const run = await app.enqueue(original, 'ada')
  await app.advance('2d')
  if (isAnswered) await run.signal('answer', 'yes')
  await app.settle()
  return readHistory(app.client, run.id)
}

it('the code that made it fits, and nothing is called', async () => {
  const ended = await history(true)
  calls.length = 0
  const replayed = await replay(ended, original)
  expect(replayed).toMatchObject({ fits: true, end: 'succeeded', isSameEnd: true, next: [] })
  expect(replayed.result).toEqual(ended.result)
  expect(calls).toEqual([])
})

it('so does a run that waits, and code that changes only what comes behind', async () => {
  const waiting = await history(false)
  expect(await replay(waiting, original)).toMatchObject({ end: 'suspended', isSameEnd: true })
  const more = define(async (flow, to) => {
    const rest = await original.code(flow, to as never)
    await flow.step('more', () => calls.push('more'))
    return rest
  })
  expect(await replay(waiting, more)).toMatchObject({ end: 'suspended' })
})

it('another end is told, as is what the code would do next', async () => {
  const ended = await history(true)
  const other = define(async (flow, to) => {
    await original.code(flow, to as never)
    return 'other'
  })
  expect(await replay(ended, other)).toMatchObject({ end: 'succeeded', result: 'other', isSameEnd: false })
  const longer = define(async (flow, to) => {
    await original.code(flow, to as never)
    await flow.step('ship', () => calls.push('ship'))
    await flow.sleep('1h')
  })
  expect(await replay(ended, longer)).toMatchObject({ end: 'goes-on', next: ['step ship'], isSameEnd: false })
  const failing = define(async (flow, to) => {
    await original.code(flow, to as never)
    throw new Error('late')
  })
  const failed = await replay(ended, failing)
  expect(failed).toMatchObject({ end: 'failed', error: { message: 'late' }, isSameEnd: false })
})

it('code that asks for something else is shown beside what was recorded', async () => {
  const waiting = await history(false)
  const other = define(async (flow, to) => {
    await flow.step('charge', () => calls.push('charge'))
    await flow.step('reserve', () => calls.push('reserve'))
    return flow.call(mail, to)
  })
  const error = (await replay(waiting, other).catch((thrown: Error) => thrown)) as Error
  expect(error).toMatchObject({ code: 'NON_DETERMINISM', data: { position: 1 } })
  expect(error.message).toContain(
    [
      '',
      '  0  step charge',
      '- 1  sleep 1d',
      '+ 1  step reserve',
      '- 2  version uuid',
      '- 3  child mail',
    ].join('\n'),
  )
})

it('code that leaves something out is found', async () => {
  const waiting = await history(false)
  const shorter = define((flow) => flow.step('charge', () => calls.push('charge')))
  await expect(replay(waiting, shorter)).rejects.toThrow(/found that the code ended[\s\S]*- 1 {2}sleep 1d/)
})

it('a file is read, and what is no history is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-replay-'))
  try {
    const file = join(folder, 'history.json')
    writeFileSync(file, JSON.stringify(await history(true)))
    expect(await replay(file, original)).toMatchObject({ end: 'succeeded' })
    const other = workflow('other', { run: () => 1 })
    await expect(replay(file, other)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    for (const text of [
      '{',
      'null',
      '{"format":"perdure-history"}',
      '{"format":"perdure-history","version":2,"journal":[]}',
    ]) {
      writeFileSync(file, text)
      await expect(replay(file, original)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    const strange = { ...(await history(false)), journal: [{ kind: 'wish', state: 'done' }] }
    writeFileSync(file, JSON.stringify(strange))
    await expect(replay(file, original)).rejects.toThrow('found a row of kind wish')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
