/** What a worker does about answers to its writing and reading that are not simply that all went well. */
import { expect, it } from 'vitest'
import {
  BROKEN,
  DONE,
  type JournalPage,
  type JournalRow,
  LOCK,
  OPEN,
  SIGNAL,
  STEP,
  TIMER,
} from '../core/model/journal.ts'
import { type ErrorCode, perdureError } from '../errors.ts'
import { Ledger } from './ledger.ts'
import type { FlowEntry, RunEnd, RunPort } from './port.ts'

type Answer = Error | readonly JournalRow[] | JournalPage | undefined

const step = (position: number): FlowEntry => ({
  ...{ type: 'settled', kind: STEP, state: DONE, value: '1', undo: false },
  ...{ position, name: `s${position}` },
})
const signal = (position: number): FlowEntry => {
  return { type: 'signal', position, name: `n${position}`, delayMs: 0 }
}
const row = (sequence: number, position = sequence): JournalRow => ({
  ...{
    run: 1,
    sequence,
    position,
    kind: STEP,
    state: DONE,
    name: `s${position}`,
    value: '1',
    at: 0,
    copyOf: 0,
  },
})
const page = (rows: readonly JournalRow[], next: number, isEnd = true): JournalPage => {
  return { rows, next, isEnd, origin: 0 }
}
const error = (code: ErrorCode) => perdureError(code, { expected: 'one', found: 'another', fix: 'Mend it' })

/** A ledger whose calls are answered in this order, once all is quiet again. */
async function play(
  entries: readonly FlowEntry[],
  answers: Answer[],
  { isReading = false, isOurs = true }: { isReading?: boolean; isOurs?: boolean } = {},
) {
  const calls: string[] = []
  const pauses: (() => void)[] = []
  const ends: RunEnd[] = []
  const written: FlowEntry[] = []
  const answer = (call: string): Promise<never> => {
    calls.push(call)
    const next = answers.shift()
    return (next instanceof Error ? Promise.reject(next) : Promise.resolve(next)) as Promise<never>
  }
  const port = {
    record: (seen: number, some: readonly FlowEntry[]) => {
      written.push(...some)
      return answer(`write ${some.map(({ name }) => name).join(' ')} behind ${seen}`)
    },
    read: (from: number) => answer(`read from ${from}`),
    after: (_: number, act: () => void) => {
      pauses.push(act)
      return () => {}
    },
  } as unknown as RunPort
  const turn = (): void => {
    if (!ledger.catchUp(port)) ledger.flush(port)
  }
  const ledger = new Ledger({
    hasBegun: () => true,
    isOf: () => isOurs,
    turn,
    touch: turn,
    leave: (end) => ends.push(end),
  })
  for (const entry of entries) ledger.write(entry)
  if (isReading) ledger.expectNews()
  turn()
  await new Promise(setImmediate)
  const goOn = async (): Promise<void> => {
    for (const act of pauses.splice(0)) act()
    await new Promise(setImmediate)
  }
  return { calls, ends, ledger, written, goOn, isOver: () => answers.length === 0 && !ledger.isBusy }
}

it('what is not known to be written is looked for, and written where it is not there', async () => {
  const there = await play([step(0), step(1)], [error('UNKNOWN_OUTCOME'), page([row(0), row(1)], 2)])
  expect(there.calls).toEqual(['write s0 s1 behind 0', 'read from 0'])
  const gone = await play([step(0)], [error('UNKNOWN_OUTCOME'), page([], 0), [row(0)]])
  expect(gone.calls).toEqual(['write s0 behind 0', 'read from 0', 'write s0 behind 0'])
  const paged = await play([step(1)], [error('UNKNOWN_OUTCOME'), page([row(0)], 1, false), page([row(1)], 2)])
  expect(paged.calls).toEqual(['write s1 behind 0', 'read from 0', 'read from 1'])
  for (const one of [there, gone, paged]) {
    expect([one.ends, one.ledger.isWhole, one.isOver()]).toEqual([[], true, true])
  }
})

it('what a store could not do is done again after a while, and nothing else meanwhile', async () => {
  const write = await play([step(0)], [error('STORE_FAILED'), [row(0)]])
  const read = await play([step(0)], [error('STORE_FAILED'), page([], 0), [row(0)]], { isReading: true })
  expect([write.calls, read.calls]).toEqual([['write s0 behind 0'], ['read from 0']])
  write.ledger.write(step(1))
  await Promise.all([write.goOn(), read.goOn()])
  expect(write.calls.slice(1)).toEqual(['write s0 s1 behind 0'])
  expect(read.calls.slice(1)).toEqual(['read from 0', 'write s0 behind 0'])
  expect([write.isOver(), read.isOver(), write.ends, read.ends]).toEqual([true, true, [], []])
})

it('of several that are refused each is tried, and the one that is meant is on record as refused', async () => {
  const answers = [error('KEY_CONFLICT'), [row(0)], error('KEY_CONFLICT'), [row(1)], [row(2)]]
  const { calls, written, ends, isOver } = await play([step(0), signal(1), step(2)], answers)
  expect(calls).toEqual([
    'write s0 n1 s2 behind 0',
    ...['write s0 behind 0', 'write n1 behind 1', 'write n1 behind 1', 'write s2 behind 2'],
  ])
  const refusal = written.at(-2) as FlowEntry & { value: string }
  expect(refusal).toMatchObject({ type: 'settled', kind: SIGNAL, position: 1, state: BROKEN, undo: false })
  expect(JSON.parse(refusal.value)).toMatchObject({ code: 'KEY_CONFLICT' })
  expect([ends, isOver()]).toEqual([[], true])
})

it('what is let go of in the turn in which it was asked for is named once it is known', async () => {
  const lock: FlowEntry = { type: 'lock', position: 1, name: 'l1' }
  const letGo: FlowEntry = { type: 'withdraw', position: 2, name: 'w2', positions: [0, 1], jobs: [] }
  const opened: JournalRow = { ...row(1), kind: LOCK, state: OPEN, name: 'l1', value: '7' }
  const { calls, written, ends } = await play([signal(0), lock, letGo, step(3)], [[row(0), opened], [row(2)]])
  expect(calls).toEqual(['write n0 l1 behind 0', 'write w2 s3 behind 2'])
  expect(written[2]).toEqual({ ...letGo, jobs: [7] })
  expect(ends).toEqual([])
})

it('a step whose end cannot be on record ends the run', async () => {
  const { ends } = await play([step(0)], [error('TOO_LARGE')])
  expect(ends).toMatchObject([{ type: 'failed', error: { code: 'TOO_LARGE' } }])
})

it.each([
  ['a way that is closed', error('CLOSED')],
  ['a caller who may not', error('DENIED')],
  ['what nobody has foreseen', new Error('odd')],
])('after %s another attempt begins from the journal', async (_, thrown) => {
  for (const isReading of [false, true]) {
    const { ends, ledger } = await play([step(0)], [thrown], { isReading })
    expect([ends, ledger.isWhole]).toEqual([[{ type: 'stopped' }], false])
  }
})

it('a lease that is lost ends the attempt, and what it knows stays good', async () => {
  for (const isReading of [false, true]) {
    const { ends, ledger } = await play([step(0)], [undefined], { isReading })
    expect([ends, ledger.isWhole]).toEqual([[{ type: 'lost' }], true])
  }
})

it('rows that are gone before they were read make what is known here useless', async () => {
  const { ends, ledger } = await play([], [page([row(4)], 5)], { isReading: true })
  expect([ends, ledger.isWhole]).toEqual([[{ type: 'stopped' }], false])
})

it('where others have written before, all is read in order', async () => {
  const other: JournalRow = { ...row(0, -1), kind: TIMER }
  const { calls, ledger } = await play([step(0)], [[row(1, 0)], page([other, row(1, 0)], 2)])
  expect(calls).toEqual(['write s0 behind 0', 'read from 0'])
  expect(ledger.rows.known).toBe(2)
})

it('answers to an attempt that has ended change nothing', async () => {
  const answers = () => [[row(0)], undefined, error('CLOSED'), error('KEY_CONFLICT')] as const
  for (const answer of answers()) {
    const { calls, ends } = await play([step(0)], [answer], { isOurs: false })
    expect([calls, ends]).toEqual([['write s0 behind 0'], []])
  }
  for (const answer of [page([row(0)], 1), undefined, error('CLOSED')]) {
    const { calls, ends } = await play([], [answer], { isOurs: false, isReading: true })
    expect([calls, ends]).toEqual([['read from 0'], []])
  }
})
