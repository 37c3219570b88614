/** One run between its code and a journal that a test writes to. */
import { expect, it } from 'vitest'
import {
  CANCEL,
  CHILD,
  DONE,
  type JournalRow,
  LOCK,
  OPEN,
  SEND,
  SIGNAL,
  STEP,
  TIMER,
  WITHDRAW,
} from '../core/model/journal.ts'
import { job } from '../index.ts'
import { Flow } from './flow.ts'
import type { FlowEntry, RunEnd, RunPort } from './port.ts'
import { FlowRun } from './run.ts'

/** A journal that settles nothing by itself but what is sent to a wait that is open. */
class Journal {
  readonly rows: JournalRow[] = []
  readonly entries: FlowEntry[] = []
  readonly stop = new AbortController()
  readonly #timers = new Set<() => void>()

  get next(): number {
    return (this.rows.at(-1)?.sequence ?? -1) + 1
  }

  write(row: Pick<JournalRow, 'position' | 'kind' | 'state'> & Partial<JournalRow>): JournalRow {
    const whole = { run: 1, sequence: this.next, name: '', value: null, at: 0, copyOf: 0, ...row }
    this.rows.push(whole)
    return whole
  }

  #take(entry: FlowEntry): void {
    const { position, name } = entry
    if (entry.type === 'timer') this.write({ position, name, kind: TIMER, state: OPEN, value: '1' })
    if (entry.type === 'signal') this.write({ position, name, kind: SIGNAL, state: OPEN, value: '0' })
    if (entry.type === 'settled')
      this.write({ position, name, kind: entry.kind, state: entry.state, value: entry.value })
    if (entry.type === 'withdraw')
      this.write({ position, name, kind: WITHDRAW, state: DONE, value: JSON.stringify(entry.positions) })
    if (entry.type !== 'send') return
    const open = this.rows.findLast(({ kind, state }) => kind === SIGNAL && state === OPEN)
    this.write({ position: open?.position as number, kind: SIGNAL, state: DONE, value: `[${entry.value}]` })
    this.write({ position, name, kind: SEND, state: DONE })
  }

  port(): RunPort {
    return {
      record: async (_, entries) => {
        // As with an engine, nothing is answered before the turn of the event loop is through.
        await new Promise(setImmediate)
        const from = this.rows.length
        this.entries.push(...entries)
        for (const entry of entries) this.#take(entry)
        return this.rows.slice(from)
      },
      read: async (from) => ({
        ...{
          rows: this.rows.filter(({ sequence }) => sequence >= from),
          next: this.next,
          isEnd: true,
          origin: 0,
        },
      }),
      child: () => ({}),
      after: (_, act) => {
        this.#timers.add(act)
        return () => this.#timers.delete(act)
      },
      now: () => 0,
      attempt: 1,
      progress: () => {},
      signal: this.stop.signal,
    }
  }

  /** Lets everything that was to be done later be done now. */
  pass(): void {
    for (const act of [...this.#timers]) act()
  }
}

const run = (code: (flow: Flow) => unknown): FlowRun =>
  new FlowRun(1, (own) => code(new Flow(own, () => ({}))))

it('a signal that comes between a race and the news of it is passed on to the next wait', async () => {
  const journal = new Journal()
  const code = async (flow: Flow) => {
    await flow.race([flow.signal('go'), flow.sleep('1s')])
    return flow.signal('go')
  }
  const first = run(code)
  expect(await first.work(journal.port(), true)).toEqual({ type: 'suspended', seen: 2 })
  // The timer, and behind it the signal, which the engine had still given to the wait that was to lose.
  journal.write({ position: 1, kind: TIMER, state: DONE })
  journal.write({ position: 0, kind: SIGNAL, state: DONE, value: '["said"]' })
  const end: RunEnd = { type: 'succeeded', result: 'said' }
  expect(await first.work(journal.port(), false)).toEqual(end)
  expect(journal.entries.map(({ type, position }) => [type, position])).toEqual([
    ...[
      ['signal', 0],
      ['timer', 1],
      ['withdraw', 2],
    ],
    ...[
      ['signal', 3],
      ['send', 4],
    ],
  ])
  // A replay of all of it asks for nothing more.
  const asked = journal.entries.length
  expect(await run(code).work(journal.port(), false)).toEqual(end)
  expect(journal.entries).toHaveLength(asked)
})

it('a wait that was let go of and ran out of time is passed on to nobody', async () => {
  const journal = new Journal()
  const waiting = run(async (flow) => {
    await flow.race([flow.signal('go', { timeout: '1s' }), flow.sleep('1s')])
    return flow.signal('other')
  })
  await waiting.work(journal.port(), true)
  journal.write({ position: 1, kind: TIMER, state: DONE })
  journal.write({ position: 0, kind: SIGNAL, state: DONE, value: '[]' })
  expect(await waiting.work(journal.port(), false)).toEqual({ type: 'suspended', seen: 6 })
  expect(journal.entries.map(({ type }) => type)).not.toContain('send')
})

it('a step that is on record as let go of is not begun again, unless it may have to be undone', async () => {
  const journal = new Journal()
  journal.write({ position: 1, name: 'fast', kind: STEP, state: DONE, value: '1' })
  journal.write({ position: 3, name: 'race', kind: WITHDRAW, state: DONE, value: '[0,2]' })
  const begun: string[] = []
  const replayed = run(async (flow) => {
    const slow = flow.step('slow', () => begun.push('slow'))
    const fast = flow.step('fast', () => begun.push('fast'))
    const undone = flow.step('undone', () => begun.push('undone'), { undo: () => begun.push('undo') })
    await flow.race([slow, fast, undone])
    throw new Error('no')
  })
  expect(await replayed.work(journal.port(), false)).toMatchObject({ type: 'failed' })
  expect(begun).toEqual(['undone', 'undo'])
})

it('code that does not get to what is on record waits for a person', async () => {
  const journal = new Journal()
  journal.write({ position: 5, name: 'far', kind: STEP, state: DONE })
  const stalled = run(() => new Promise(() => {})).work(journal.port(), false)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  journal.pass()
  expect(await stalled).toMatchObject({
    type: 'paused',
    error: { code: 'NON_DETERMINISM', message: expect.stringContaining("expected step 'far' at position 5") },
  })
})

it('a run whose worker stops ends its attempt once its steps have heard of it', async () => {
  const journal = new Journal()
  let reason: unknown
  const stopped = run((flow) =>
    flow.step('long', ({ signal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason
      })
      return new Promise((_, reject) => signal.addEventListener('abort', reject))
    }),
  ).work(journal.port(), true)
  await new Promise(setImmediate)
  journal.stop.abort('shutdown')
  await new Promise(setImmediate)
  journal.pass()
  expect(await stopped).toEqual({ type: 'stopped' })
  expect(reason).toBe('shutdown')
  expect(journal.entries).toEqual([])
})

it('options that mean nothing are refused', async () => {
  const journal = new Journal()
  const messages: string[] = []
  const refusing = run((flow) => {
    const attempts = [
      () => flow.sleepUntil(Number.NaN),
      () => flow.step('', () => 1),
      () => flow.step('a', () => 1, { timeout: { each: 1 } as never }),
      () => flow.step('a', () => 1, { retry: { attempts: 0 } }),
      () => flow.map([1], () => 1, { concurrency: 0 }),
      () => flow.call({ kind: 'x' }, 1, { onClose: 'ask' as never }),
    ]
    for (const attempt of attempts) {
      try {
        void attempt()
      } catch (error) {
        messages.push((error as Error).message)
      }
    }
  })
  await refusing.work(journal.port(), true)
  expect(messages).toHaveLength(6)
  for (const message of messages) expect(message).toMatch(/expected .*; found /)
})

it.each([
  ['rows that it had read', { rows: [{ position: 0, sequence: 2 }], next: 5 }],
  ['nothing that it had not read', { rows: [], next: 3 }],
])('a run that was kept while a restart changed its journal is of no use: %s', async (_, { rows, next }) => {
  const journal = new Journal()
  const kept = run((flow) => flow.all([flow.signal('go'), flow.signal('other')]))
  expect(await kept.work(journal.port(), true)).toEqual({ type: 'suspended', seen: 2 })
  const page = rows.map((row) => ({ ...journal.write({ kind: SIGNAL, state: DONE, value: '[1]', ...row }) }))
  const port = { ...journal.port(), read: async () => ({ rows: page, next, isEnd: true, origin: 0 }) }
  expect(await kept.work(port, false)).toEqual({ type: 'stopped' })
  expect(kept.isWhole).toBe(false)
})

it('what is tried again after a restart is waited for, also by a replay', async () => {
  const journal = new Journal()
  const code = async (flow: Flow) => {
    await flow.signal('first')
    await flow.signal('second')
    return 'both'
  }
  // a restart has taken out the rows 0 and 1, and left out the number 4
  const rows = [
    { sequence: 2, position: 1, kind: SIGNAL, state: OPEN, name: 'second', value: '0' },
    { sequence: 3, position: 1, kind: SIGNAL, state: DONE, value: '["b"]' },
    { sequence: 5, position: 0, kind: SIGNAL, state: OPEN, name: 'first', value: '0' },
  ] as const
  for (const row of rows) journal.write(row)
  const worked = run(code).work(journal.port(), false)
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  journal.pass()
  expect(await worked).toEqual({ type: 'suspended', seen: 6 })
  journal.write({ sequence: 6, position: 0, kind: SIGNAL, state: DONE, value: '["a"]' })
  expect(await run(code).work(journal.port(), false)).toEqual({ type: 'succeeded', result: 'both' })
})

it('the id of a job is that of the one that was made, also before rows that the code has not got to', async () => {
  const journal = new Journal()
  const ids: number[] = []
  const code = async (flow: Flow) => {
    const first = flow.signal('first')
    const { id } = flow.spawn(job('other', { run: () => {} }), undefined)
    void id.then((made) => ids.push(made))
    await first
    return flow.signal('third')
  }
  const rows = [
    { sequence: 1, position: 2, kind: SIGNAL, state: OPEN, name: 'third', value: '0' },
    { sequence: 2, position: 2, kind: SIGNAL, state: DONE, value: '["c"]' },
    // taken over from a run that was restarted, and made since
    { sequence: 4, position: 1, kind: CHILD, state: OPEN, name: 'other', value: null },
    { sequence: 6, position: 1, kind: CHILD, state: OPEN, name: 'other', value: '9' },
    { sequence: 7, position: 0, kind: SIGNAL, state: OPEN, name: 'first', value: '0' },
    { sequence: 8, position: 0, kind: SIGNAL, state: DONE, value: '["a"]' },
  ] as const
  for (const row of rows) journal.write(row)
  expect(await run(code).work(journal.port(), false)).toEqual({ type: 'succeeded', result: 'c' })
  expect(ids).toEqual([9])
})

/** What is left of a run that got a lock, slept under it beside a step, and was restarted: a ticket that is none, and where it was got. */
const RESTARTED = [
  { sequence: 0, position: 0, kind: LOCK, state: OPEN, name: 'till', value: null },
  { sequence: 1, position: 0, kind: LOCK, state: DONE },
  { sequence: 2, position: 1, kind: STEP, state: DONE, name: 'beside', value: '1' },
  { sequence: 3, position: 2, kind: TIMER, state: OPEN, name: '1s', value: '1' },
] as const

const underLock = async (flow: Flow) => {
  await flow.all([
    flow.lock('till', (own) => own.sleep('1s')),
    flow.step('beside', () => 1).then(() => Promise.reject(new Error('no'))),
  ])
}

it('a lock is got again where it was got before a restart, before all that came behind it', async () => {
  const journal = new Journal()
  for (const row of RESTARTED) journal.write(row)
  const waiting = run(underLock)
  expect(await waiting.work(journal.port(), false)).toEqual({ type: 'suspended', seen: 4 })
  expect(journal.entries).toEqual([{ type: 'lock', position: 0, name: 'till' }])
  journal.write({ sequence: 5, position: 0, kind: LOCK, state: OPEN, name: 'till', value: '9' })
  // in line: a replay does not ask for it once more
  const replayed = run(underLock)
  expect(await replayed.work(journal.port(), false)).toMatchObject({ type: 'suspended' })
  expect(journal.entries).toHaveLength(1)
  journal.write({ sequence: 6, position: 0, kind: LOCK, state: DONE })
  const failed = { type: 'failed', error: expect.objectContaining({ message: 'no' }) }
  expect(await replayed.work(journal.port(), false)).toMatchObject(failed)
  expect(await run(underLock).work(journal.port(), false)).toMatchObject(failed)
})

it('a cancel does not wait for a lock that is to be got again', async () => {
  const journal = new Journal()
  for (const row of RESTARTED) journal.write(row)
  journal.write({ sequence: 5, position: 0, kind: LOCK, state: OPEN, name: 'till', value: '9' })
  const reason = JSON.stringify({ code: 'CANCELLED', message: 'enough' })
  journal.write({ sequence: 6, position: -1, kind: CANCEL, state: DONE, value: reason })
  expect(await run(underLock).work(journal.port(), false)).toEqual({ type: 'cancelled' })
})

it('a lock that was given back is not waited for', async () => {
  const journal = new Journal()
  for (const row of RESTARTED) journal.write(row)
  journal.write({ sequence: 5, position: 2, kind: TIMER, state: DONE })
  journal.write({ sequence: 6, position: 3, kind: WITHDRAW, state: DONE, name: 'lock till', value: '[0]' })
  const end = run(async (flow) => {
    const beside = flow.lock('till', (own) => own.sleep('1s'))
    await flow.step('beside', () => 1)
    await beside
    return 'over'
  }).work(journal.port(), false)
  expect(await end).toEqual({ type: 'succeeded', result: 'over' })
  expect(journal.entries).toEqual([])
})

it('what the code makes once it has heard of a cancel is not on record, so that a restart meets none of it', async () => {
  const journal = new Journal()
  const ids: string[] = []
  const code = async (flow: Flow) => {
    await flow.sleep('1d').catch(() => {})
    ids.push(flow.uuid())
    return flow.step('pay', () => 'paid')
  }
  await run(code).work(journal.port(), true)
  const reason = JSON.stringify({ code: 'CANCELLED', message: 'enough' })
  const cancel = journal.write({ position: -1, kind: CANCEL, state: DONE, value: reason })
  expect(await run(code).work(journal.port(), false)).toEqual({ type: 'cancelled' })
  expect(journal.rows.at(-1)).toBe(cancel)
  // the restart takes the cancel out
  journal.rows.pop()
  journal.write({ sequence: 3, position: 0, kind: TIMER, state: DONE })
  const restarted = await run(code).work(journal.port(), false)
  expect(restarted).toEqual({ type: 'succeeded', result: 'paid' })
  expect(new Set(ids).size).toBe(2)
})
