/**
 * Workflow runs through nodes and workers that are killed: nothing is recorded twice, and every result is right.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DONE, STEP } from '../../src/core/model/journal.ts'
import type { App } from '../../src/index.ts'
import { NodeBehindProxy } from './testdata/node-behind-proxy.ts'
import { definitions, ledger, sumOf } from './testdata/runs.ts'

let world: NodeBehindProxy

beforeEach(async () => {
  world = await NodeBehindProxy.start()
})

afterEach(() => world.close())

/** The names of the steps that a run recorded. */
async function stepsOf(app: App, run: number): Promise<string[]> {
  const { rows } = await app.client.workflows.journal(run)
  return rows.filter(({ kind, state }) => kind === STEP && state === DONE).map(({ name }) => name)
}

const STEPS = 12
const names = Array.from({ length: STEPS }, (_, step) => `add ${step}`)
const sum = (STEPS * (STEPS - 1)) / 2

it('a node that is killed and cut off', async () => {
  const [caller, elsewhere] = [await world.connect(), await world.connect()]
  const done = new Map<string, number>()
  let total = 0
  let told = (): void => {}
  const did = (run: number, step: number): void => {
    const key = `${run}.${step}`
    done.set(key, (done.get(key) ?? 0) + 1)
    total++
    told()
  }
  elsewhere.work(definitions(did), { concurrency: 10 })
  const runs = await Promise.all(
    Array.from({ length: 60 }, () => caller.enqueue(sumOf(did), { steps: STEPS })),
  )
  const reaches = async (count: number): Promise<void> => {
    while (total < count) await new Promise<void>((resolve) => (told = resolve))
  }
  for (const [round, count] of [60, 200, 340, 480].entries()) {
    await reaches(count)
    if (round % 2 === 0) await world.restart()
    else world.proxy.cut()
  }
  await Promise.all(runs.map((run) => run.signal('more', run.id)))
  const results = await Promise.all(runs.map((run) => run.result()))
  expect(results).toEqual(runs.map(({ id }) => sum * sum + id))
  for (const { id } of runs) expect(await stepsOf(caller, id)).toEqual(names)
  // the worker lived on: what it had done before it heard that it was recorded is in the journal, and not done again
  expect([...done.values()].filter((times) => times !== 1)).toEqual([])
  expect(await caller.client.check()).toEqual([])
}, 120_000)

it('updates on their way to a node that is killed', async () => {
  const [caller, elsewhere] = [await world.connect(), await world.connect()]
  elsewhere.work(definitions(() => {}))
  const run = await caller.enqueue(ledger)
  const numbers = Array.from({ length: 40 }, (_, index) => index)
  const answers: Promise<number>[] = []
  for (const number of numbers) {
    answers.push(run.update<number>('enter', number, { timeout: '60s' }))
    if (number % 10 === 5) await answers[number - 5]
    if (number === 15) await world.restart()
    if (number === 25) world.proxy.cut()
  }
  // each counts once, and its answer is the one that it was given then
  const counts = await Promise.all(answers)
  expect(counts.toSorted((a, b) => a - b)).toEqual(numbers.map((number) => number + 1))
  const entries = await run.query<number[]>('entries')
  expect(counts.map((count) => entries[count - 1])).toEqual(numbers)
  await run.update('close')
  expect(await run.result()).toEqual(entries)
  expect(await caller.client.check()).toEqual([])
}, 120_000)

it('a worker that is killed', async () => {
  const caller = await world.connect()
  const env = { ...process.env, PERDURE_URL: world.node.url, STUCK_AT: '5' }
  const file = join(import.meta.dirname, 'testdata', 'runs.ts')
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], env })
  world.cleanUp(() => child.kill('SIGKILL'))
  const run = await caller.enqueue(
    sumOf(() => {}, '1s'),
    { steps: STEPS },
  )
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  const elsewhere = await world.connect()
  const done: number[] = []
  elsewhere.work(definitions((_, step) => done.push(step)))
  await run.signal('more', 1)
  expect(await run.result()).toBe(sum * sum + 1)
  expect(done).toEqual(Array.from({ length: STEPS - 5 }, (_, index) => 5 + index))
  expect(await stepsOf(caller, run.id)).toEqual(names)
}, 60_000)
