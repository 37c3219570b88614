/** Workflow runs as a worker and their callers see them: journals, signals, news, and how attempts of runs end. */
import { expect, it } from 'vitest'
import {
  BROKEN,
  CHILD,
  DONE,
  type JournalRow,
  OPEN,
  SIGNAL,
  STEP,
  STREAM,
  TIMER,
  UPDATE,
} from '../../core/model/journal.ts'
import type { Lease } from '../client.ts'
import type { RunEntry, RunQuestion, WorkflowSession } from '../workflows.ts'
import { codeOf, type World } from './world.suite.ts'

/** A step that is done. */
function step(position: number, value: unknown, name = `step ${position}`): RunEntry {
  const text = value === undefined ? null : JSON.stringify(value)
  return { type: 'settled', kind: STEP, position, name, state: DONE, value: text, undo: false }
}

const wait = (position: number, name: string, delayMs = 0): RunEntry => ({
  ...{ type: 'signal', position, name, delayMs },
})

function child(world: World, position: number, more: object = {}): RunEntry {
  const spec = world.spec({ kind: `${world.name}-child`, ...more })
  return { type: 'child', position, name: `${world.name}-child`, closes: true, awaits: true, spec }
}

/** What rows say, without when. */
const said = (rows: readonly JournalRow[] | undefined) =>
  rows?.map(({ sequence, position, kind, state, name, value }) => [
    ...[sequence, position, kind, state, name, value],
  ])

export function workflowTests(world: World): void {
  async function begin(spec: object = {}): Promise<Lease> {
    await world.add(spec)
    return world.leaseOne()
  }
  const runs = async () => (await world.session()).workflows
  const record = async ({ token }: Lease, seen: number, ...entries: RunEntry[]) =>
    (await runs()).record(token, seen, entries)
  async function suspend(lease: Lease, seen: number): Promise<boolean | undefined> {
    const session = await world.session()
    const [accepted] = await session.report([{ token: lease.token, outcome: { type: 'suspended', seen } }])
    return accepted
  }
  async function news(): Promise<string[]> {
    const told: string[] = []
    ;(await runs()).onNews((token) => told.push(token))
    return told
  }

  it('writes down what a run did, and tells it to its worker and to everybody', async () => {
    const lease = await begin()
    const entries = [step(0, { a: 'ä' }), step(1, undefined), step(2, [1.5, null])]
    const rows = await record(lease, 0, ...entries)
    const expected = [
      [0, 0, STEP, DONE, 'step 0', '{"a":"ä"}'],
      [1, 1, STEP, DONE, 'step 1', null],
      [2, 2, STEP, DONE, 'step 2', '[1.5,null]'],
    ]
    expect(said(rows)).toEqual(expected)
    expect(rows?.map(({ run, copyOf }) => [run, copyOf])).toEqual(rows?.map(() => [lease.job, 0]))
    const page = await (await runs()).journal(lease.token, 1)
    expect(page).toEqual({ rows: rows?.slice(1), next: 3, isEnd: true, origin: 0 })
    expect(await world.client.workflows.journal(lease.job)).toEqual({ rows, next: 3, isEnd: true, origin: 0 })
    expect(await world.client.workflows.journal(lease.job, 3)).toEqual({
      rows: [],
      next: 3,
      isEnd: true,
      origin: 0,
    })
    await world.succeed(lease, 'done')
  })

  it('keeps the failures of steps', async () => {
    const lease = await begin()
    const value = JSON.stringify({ code: 'HANDLER_FAILED', message: 'it broke' })
    const broken = { ...step(0, null), state: BROKEN, value } as RunEntry
    expect(said(await record(lease, 0, broken))).toEqual([[0, 0, STEP, BROKEN, 'step 0', value]])
    await world.succeed(lease)
  })

  it('wakes a run by a signal, and by a timer', async () => {
    const lease = await begin()
    const rows = await record(lease, 0, wait(0, 'go'), {
      ...{ type: 'timer', position: 1, name: '5s', delayMs: 5_000, dueAt: 0 },
    })
    expect(said(rows)?.map(([, position, kind, state]) => [position, kind, state])).toEqual([
      [0, SIGNAL, OPEN],
      [1, TIMER, OPEN],
    ])
    expect(await suspend(lease, 2)).toBe(true)
    expect(await world.state(lease.job)).toBe('suspended')
    expect(await world.client.workflows.signal(lease.job, 'go', { now: true })).toEqual({ isAwaited: true })
    const second = await world.leaseOne()
    expect(second).toMatchObject({ job: lease.job, attemptSinceRestart: 1 })
    const page = await (await runs()).journal(second.token, 2)
    expect(said(page?.rows)).toEqual([[2, 0, SIGNAL, DONE, '', '[{"now":true}]']])
    await suspend(second, 3)
    await world.time.advance(5_000)
    const third = await world.leaseOne()
    expect(said((await (await runs()).journal(third.token, 3))?.rows)).toEqual([
      [3, 1, TIMER, DONE, '', null],
    ])
    await world.succeed(third)
  })

  it('keeps a signal that nobody waits for yet', async () => {
    const lease = await begin()
    expect(await world.client.workflows.signal(lease.job, 'early', undefined)).toEqual({ isAwaited: false })
    const rows = await record(lease, 0, wait(0, 'early'))
    expect(said(rows)?.map(([, , , state, , value]) => [state, value])).toEqual([
      [OPEN, '0'],
      [DONE, '[null]'],
    ])
    await world.succeed(lease)
  })

  it('takes a signal that is told again by its id once, and says the same of it', async () => {
    const lease = await begin()
    const tell = (name: string, id?: string) =>
      world.client.workflows.signal(lease.job, name, 1, id === undefined ? {} : { id })
    expect(await tell('go', 'a')).toEqual({ isAwaited: false })
    const rows = await record(lease, 0, wait(0, 'go'), wait(1, 'go'))
    expect(await tell('go', 'a')).toEqual({ isAwaited: false })
    expect(await tell('go')).toEqual({ isAwaited: true })
    expect(rows).toHaveLength(3)
    expect((await world.client.workflows.journal(lease.job)).rows).toHaveLength(4)
    expect(await codeOf(() => tell('go', ''))).toBe('INVALID_OPTION')
    await world.succeed(lease)
  })

  it('tells the worker of a run what settled without it', async () => {
    const told = await news()
    const [lease, other] = [await begin(), await begin()]
    await record(lease, 0, wait(0, 'go'))
    await record(other, 0, step(0, 1))
    await world.client.workflows.signal(lease.job, 'go', 1)
    await world.settle()
    expect(new Set(told)).toEqual(new Set([lease.token]))
    expect(await suspend(lease, 1)).toBe(true)
    expect(await world.state(lease.job)).toBe('ready')
    await world.succeed(await world.leaseOne())
    await world.succeed(other)
  })

  it('makes children in the commit in which a run asks for them, and tells it how they end', async () => {
    const told = await news()
    const lease = await begin()
    const [opened] = (await record(lease, 0, child(world, 0, { input: { deep: [1] } }))) ?? []
    const id = Number(opened?.value)
    expect(await world.client.get(id)).toMatchObject({ parent: lease.job, state: 'ready' })
    const made = await world.leaseOne(`${world.name}-child`)
    expect([made.job, made.input]).toEqual([id, '{"deep":[1]}'])
    await world.succeed(made, 'x'.repeat(10_000))
    await world.settle()
    expect(told).toContain(lease.token)
    const page = await (await runs()).journal(lease.token, 1)
    expect(page?.rows.map(({ kind, state, value }) => [kind, state, value?.length])).toEqual([
      [CHILD, DONE, 10_002],
    ])
    await world.succeed(lease)
  })

  it('writes nothing at all where a child is refused', async () => {
    const lease = await begin()
    const bad = child(world, 1, { priority: 0.5 })
    expect(await codeOf(() => record(lease, 0, step(0, 1), bad))).toBe('INVALID_OPTION')
    expect(await world.client.workflows.journal(lease.job)).toMatchObject({ rows: [] })
    await world.succeed(lease)
  })

  it('lets nobody write or read in the name of a lease that is lost', async () => {
    const lease = await begin({ options: { retry: { minMs: 0 } } })
    await world.fail(lease)
    await world.time.advance(1)
    const valid = await world.leaseOne()
    for (const token of [lease.token, '', 'x', `${lease.job}.${valid.attempt}.wrong`]) {
      const { workflows } = await world.session()
      expect(await workflows.record(token, 0, [step(0, 'late')])).toBeUndefined()
      expect(await workflows.journal(token, 0)).toBeUndefined()
    }
    expect(await world.client.workflows.journal(lease.job)).toMatchObject({ rows: [] })
    await world.succeed(valid)
  })

  it('holds a run that cannot go on, and begins one anew with another input', async () => {
    const [first, second] = [await begin({ input: 1 }), await begin({ input: 1 })]
    const session = await world.session()
    await record(second, 0, step(0, 'old'))
    const error = { code: 'NON_DETERMINISM', message: 'Expected a, found b.' }
    const outcomes = [
      { token: first.token, outcome: { type: 'paused', error } as const },
      { token: second.token, outcome: { type: 'continued', input: { count: 2 } } as const },
    ]
    expect(await session.report(outcomes)).toEqual([true, true])
    expect(await world.client.get(first.job)).toMatchObject({ state: 'held', error })
    const again = await world.leaseOne()
    expect([again.job, again.input]).toEqual([second.job, '{"count":2}'])
    expect(await world.client.workflows.journal(second.job)).toMatchObject({ rows: [] })
    await world.succeed(again)
  })

  it('tells what a run does anew from what it did before, also where it recorded nothing since a restart', async () => {
    const lease = await begin({ input: 1 })
    await record(lease, 0, step(0, 'old'))
    const session = await world.session()
    const error = { code: 'HANDLER_FAILED', message: 'Expected a, found b.' }
    const failed = { type: 'failed', error, retry: false } as const
    expect(await session.report([{ token: lease.token, outcome: failed }])).toEqual([true])
    await world.client.control(lease.job, { verb: 'restart' })
    const again = await world.leaseOne()
    const continued = { type: 'continued', input: 2 } as const
    expect(await session.report([{ token: again.token, outcome: continued }])).toEqual([true])
    const anew = await world.leaseOne()
    expect(await (await runs()).journal(anew.token, 0)).toMatchObject({ rows: [], origin: 2 })
    await world.succeed(anew)
  })

  it('takes over what a run did elsewhere, and its worker goes on behind that', async () => {
    const at = 1_000
    const broken = { code: 'HANDLER_FAILED', message: 'no' }
    const journal = [
      { sequence: 7, position: 0, kind: 'step', state: 'done', name: 'a b', value: { n: [1, null] }, at },
      { sequence: 9, position: 1, kind: 'sleep', state: 'open', name: '1h', value: 5, at },
      { position: 1, kind: 'sleep', state: 'done', name: '', at },
      { position: 2, kind: 'step', state: 'broken', name: 'c', value: broken, at },
    ] as const
    const past = { ...world.spec(), createdAt: at, state: 'ready', journal } as const
    const [made] = await world.client.import([past])
    const lease = await world.leaseOne()
    expect(lease).toMatchObject({ job: made?.id, attempt: 2 })
    const page = await (await runs()).journal(lease.token, 0)
    expect(
      page?.rows.map(({ sequence, position, state, name, value }) => [
        sequence,
        position,
        state,
        name,
        value,
      ]),
    ).toEqual([
      [0, 0, DONE, 'a b', '{"n":[1,null]}'],
      // where numbers are missing one is left out, and one at the end, as by a restart
      [2, 1, OPEN, '1h', '5'],
      [3, 1, DONE, '', null],
      [4, 2, BROKEN, 'c', JSON.stringify(broken)],
    ])
    expect((await record(lease, 6, step(3, 1)))?.map(({ sequence }) => sequence)).toEqual([6])
    const twice = { ...past, journal: [journal[1], journal[0]] } as const
    await expect(world.client.import([twice])).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await world.succeed(lease)
  })

  it('answers a long journal in pages', async () => {
    const lease = await begin()
    const values = Array.from({ length: 5 }, (_, index) => String(index).repeat(1_500_000))
    for (const [index, value] of values.entries()) await record(lease, index, step(index, value))
    const seen: (string | null)[] = []
    let from = 0
    for (let isEnd = false; !isEnd; ) {
      const page = await (await runs()).journal(lease.token, from)
      if (page === undefined) throw new Error('expected a page, found a lost lease')
      seen.push(...page.rows.map(({ value }) => value))
      ;({ next: from, isEnd } = page)
    }
    expect(seen).toEqual(values.map((value) => JSON.stringify(value)))
    await world.succeed(lease)
  })

  it('refuses signals that nobody can hear, or that are too much', async () => {
    const { workflows } = world.client
    expect(await codeOf(() => workflows.signal(2 ** 40, 'go', 1))).toBe('NOT_FOUND')
    const lease = await begin()
    expect(await codeOf(() => workflows.signal(lease.job, '', 1))).toBe('INVALID_NAME')
    expect(await codeOf(() => workflows.signal(lease.job, 'go', 'x'.repeat(1_100_000)))).toBe('TOO_LARGE')
    await world.succeed(lease)
    expect(await codeOf(() => workflows.signal(lease.job, 'go', 1))).toBe('WRONG_STATE')
  })

  it('asks a worker about a run, which reads its journal by the question alone', async () => {
    const { workflows } = world.client
    const lease = await begin({ input: { a: 1 } })
    await record(lease, 0, step(0, 'known'))
    await world.succeed(lease)
    const asked: unknown[] = []
    const session = (await runs()) as WorkflowSession
    const respond = async (question: RunQuestion): Promise<void> => {
      const { token, ask, job, kind, namespace, runInput, name, input } = question
      const page = await session.journal(token, 0)
      asked.push([ask, job === lease.job, kind, namespace, runInput, name, input, page?.rows[0]?.value])
      const value = JSON.stringify(name === 'bad' ? { code: 'REFUSED', message: 'not now' } : { got: input })
      await session.answer(token, name === 'none' ? undefined : { isBroken: name === 'bad', value })
      expect(await session.journal(token, 0)).toBeUndefined()
    }
    const responses: Promise<void>[] = []
    const declined = Promise.withResolvers<void>()
    session.onQuestion((question) => {
      const response = respond(question)
      responses.push(response)
      if (question.name === 'none') declined.resolve(response)
    })
    expect(await workflows.query(lease.job, 'total', [2])).toEqual({ got: '[2]' })
    expect(await codeOf(() => workflows.query(lease.job, 'bad', undefined))).toBe('REFUSED')
    const none = codeOf(() => workflows.query(lease.job, 'none', null, { timeoutMs: 1_000 }))
    await declined.promise
    await world.settle()
    await world.time.advance(1_000)
    expect(await none).toBe('NO_WORKER')
    await Promise.all(responses)
    const rest = [lease.kind, lease.namespace, '{"a":1}'] as const
    expect(asked).toEqual([
      ['query', true, ...rest, 'total', '[2]', '"known"'],
      ['query', true, ...rest, 'bad', null, '"known"'],
      ['query', true, ...rest, 'none', 'null', '"known"'],
    ])
  })

  it('gives an update that is told again the answer that its run wrote while it was asked', async () => {
    const lease = await begin()
    const session = (await runs()) as WorkflowSession
    const answer = { ...step(0, 7, 'add one'), kind: UPDATE } as RunEntry
    const respond = async ({ token }: RunQuestion): Promise<void> => {
      await record(lease, 0, answer)
      await session.answer(token, { isBroken: false, value: null })
    }
    let responded: Promise<void> | undefined
    session.onQuestion((question) => {
      responded = respond(question)
    })
    expect(await world.client.workflows.update(lease.job, 'add', 1, { id: 'one' })).toBe(7)
    await responded
    expect(await world.client.workflows.journal(lease.job)).toMatchObject({ rows: [{ name: 'add one' }] })
    await world.succeed(lease)
  })

  it('gives up an answer that does not come', async () => {
    const lease = await begin()
    ;(await runs()).onQuestion(() => {})
    const asked = codeOf(() => world.client.workflows.query(lease.job, 'total', 1, { timeoutMs: 5_000 }))
    await world.settle()
    await world.time.advance(5_000)
    expect(await asked).toBe('TIMEOUT')
    const stop = new AbortController()
    const given = world.client.workflows.query(lease.job, 'total', 1, { signal: stop.signal })
    await world.settle()
    stop.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    await world.succeed(lease)
  })

  it('follows a stream from any offset until the run ends', async () => {
    const lease = await begin()
    const said = (position: number, value: unknown, name = 'words'): RunEntry => {
      return { ...step(position, value, name), kind: STREAM } as RunEntry
    }
    await record(lease, 0, said(0, 'a'), said(1, 'x', 'other'), said(2, undefined))
    const read = async (from: number) => {
      const items: unknown[] = []
      for await (const { offset, value } of world.client.workflows.follow(lease.job, 'words', { from }))
        items.push([offset, value])
      return items
    }
    const [all, rest] = [read(0), read(1)]
    await record(lease, 3, said(3, 'b'))
    await world.succeed(lease)
    expect(await all).toEqual([
      [1, '"a"'],
      [3, null],
      [4, '"b"'],
    ])
    expect(await rest).toEqual((await all).slice(1))
    expect(await read(4)).toEqual([])
  })

  it('sends from run to run of a namespace, and to no other', async () => {
    const [sender, near] = [await begin(), await begin()]
    await world.add({ namespace: `${world.name}-far` })
    const far = await world.leaseOne()
    await record(near, 0, wait(0, 'go'))
    const rows = await record(
      sender,
      0,
      ...[near.job, far.job].map((to, position): RunEntry => {
        return { type: 'send', position, name: 'go', to, signal: 'go', value: '1' }
      }),
    )
    expect(rows?.map(({ state }) => state)).toEqual([DONE, BROKEN])
    expect(JSON.parse(rows?.[1]?.value ?? '{}')).toMatchObject({ code: 'NOT_FOUND' })
    expect(said(await record(far, 0, wait(0, 'go')))).toEqual([[0, 0, SIGNAL, OPEN, 'go', '0']])
    for (const lease of [sender, near, far]) await world.succeed(lease)
  })
}
