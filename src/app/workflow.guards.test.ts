/** What is said about code that would not survive a replay, and about limits that come near. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type App, type Flow, job, open, workflow } from '../index.ts'

let app: App
let said: string[]
const listen = ({ name, message }: Error) => {
  if (name === 'PerdureWarning') said.push(message)
}

beforeEach(() => {
  said = []
  process.on('warning', listen)
})
afterEach(() => {
  process.off('warning', listen)
  return app.close()
})

async function run(code: (flow: Flow) => unknown, guards = true): Promise<string[]> {
  app = await open('memory:')
  const definition = workflow('order', { run: code })
  app.work([definition, job('other', { run: () => new Promise(() => {}) })], { guards, drain: '1ms' })
  for (let times = 0; times < 2; times++) await (await app.enqueue(definition)).wait()
  // Warnings come with the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  return said.map((text) => text.replace(/\. .*/s, ''))
}

it('the clock, chance and timers outside of steps are named once, with the place', async () => {
  const warnings = await run(async (flow) => {
    Math.random()
    await flow.step('charge', () => [Math.random(), Date.now()])
    Date.now()
    flow.now()
    flow.random()
    await new Promise((resolve) => setTimeout(resolve, 1))
    return flow.step('last', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return Math.random()
    })
  })
  expect(warnings).toEqual([
    "Workflow 'order': its code calls Math.random outside of a step, at its beginning",
    "Workflow 'order': its code calls Date.now outside of a step, after step 'charge' (position 0)",
    "Workflow 'order': its code calls setTimeout outside of a step, after version 'random' (position 2)",
  ])
})

it('dates that look at the clock are named, and no others; they are what they were otherwise', async () => {
  let isSame: boolean[] = []
  const warnings = await run(async (flow) => {
    class Day extends Date {}
    const [then, day] = [new Date(flow.now()), new Day(0)]
    isSame = [
      ...[then instanceof Date, day instanceof Day, day instanceof Date, then.constructor === Date],
      ...[
        Date.UTC(1970) === 0,
        Date.parse('1970-01-01T00:00:00Z') === 0,
        new Date(2020, 1, 1).getDate() === 1,
      ],
    ]
    await flow.step('charge', () => [new Date(), Date()])
    new Date().toISOString()
    await flow.step('ship', () => 1)
    isSame.push(typeof Date() === 'string')
  })
  expect(isSame).toEqual(new Array(8).fill(true))
  expect(warnings).toEqual([
    "Workflow 'order': its code calls new Date() outside of a step, after step 'charge' (position 1)",
    "Workflow 'order': its code calls Date() outside of a step, after step 'ship' (position 2)",
  ])
})

it('globals are as they were when nobody looks any more', async () => {
  const before = [Math.random, Date.now, setTimeout, setInterval, Date, Date.prototype.constructor]
  await run((flow) => flow.step('one', () => 1))
  expect(Math.random).not.toBe(before[0])
  await app.close()
  expect([Math.random, Date.now, setTimeout, setInterval, Date, new Date().constructor]).toEqual(before)
})

it('what nobody waits for is named at the end, and what was let go of is not', async () => {
  const warnings = await run(async (flow) => {
    const lost = flow.step('lost', () => new Promise(() => {}))
    void flow.call({ kind: 'other', base: { kind: 'other' } } as never, undefined)
    void flow.step('alone', () => new Promise(() => {}))
    await flow.race([lost, flow.sleep('1ms')])
  })
  expect(warnings).toEqual([
    "Workflow 'order': its code ended before child 'other' (position 1), which nobody waited for",
    "Workflow 'order': its code ended before step 'alone' (position 2), which nobody waited for",
  ])
})

it('promises that do not come from flow are named', async () => {
  const real = setTimeout
  const warnings = await run(async (flow) => {
    await flow.step('first', () => 1)
    await new Promise((resolve) => real(resolve, 1_100))
  })
  expect(warnings).toEqual([
    "Workflow 'order': its code waits for something that does not come from flow, after step 'first' (position 0)",
  ])
})

it('steps of one name are told, and large values, also without guards', async () => {
  const code = async (flow: Flow) => {
    await flow.step('same', () => 1)
    await flow.step('same', () => 'x'.repeat(2_000_000).length)
    await flow.step('large', () => 'x'.repeat(2_000_000))
  }
  expect(await run(code)).toEqual([
    "Workflow 'order': step 'same' after step 'same' (position 0) has the name of an earlier one, and is recorded as 'same #2'",
    "Workflow 'order': step 'large' gave a value of 2000002 characters; 4194304 is the most",
  ])
  await app.close()
  said = []
  expect(await run(code, false)).toEqual([
    "Workflow 'order': step 'large' gave a value of 2000002 characters; 4194304 is the most",
  ])
})

it('a journal that grows is told of early, and no run dies of it', async () => {
  const warnings = await run(async (flow) => {
    const steps = Array.from({ length: 10_000 }, (_, at) => flow.step(`${at}`, () => at))
    return (await flow.all(steps)).length
  }, false)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/the journal of a run has 10000 entries/)
})

it('after a hundred warnings about a workflow there are no more', async () => {
  const warnings = await run(async (flow) => {
    for (let at = 0; at < 120; at++) {
      await flow.step(`${at}`, () => at)
      await flow.step(`${at}`, () => at)
    }
  })
  expect(warnings).toHaveLength(100)
  expect(said.at(-1)).toMatch(/ It is the last warning about this workflow\.$/)
  expect(said.at(-2)).not.toMatch(/the last warning/)
})
