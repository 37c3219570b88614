/**
 * What people and programs see of jobs on the command line: everything about one, queues, and changes as they happen.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Sandbox } from './testdata/sandbox.ts'

let sandbox: Sandbox
/** What was said of the first two jobs before any worker came. */
let before: string[]

const perdure = (...args: string[]): Promise<string> => sandbox.ok(args)

/** Starts a command that goes on, waits until it has printed what fits, and ends it as a person would. */
async function hear(args: readonly string[], wanted: RegExp, signal: NodeJS.Signals): Promise<number | null> {
  const running = sandbox.start(args)
  await running.prints(wanted)
  return running.end(signal)
}

beforeAll(async () => {
  sandbox = new Sandbox()
  await perdure(
    'submit',
    '--key',
    'k',
    '--limit',
    'api=2',
    '--meta',
    'color=red',
    '--timeout',
    '1h',
    'sh',
    '-c',
    'exit 3',
  )
  await perdure('submit', '--after', '1:run', '--queue', 'later', 'true')
  before = await Promise.all(['1', '2'].map((id) => perdure('status', id)))
  await perdure('worker', '--until-empty', 'default', 'later')
  await perdure('submit', '--hold', '--name', 'third', 'true')
  await perdure('pause', 'default')
})
afterAll(() => sandbox.close())

it('one job, with its past', async () => {
  const failed = await perdure('status', '1')
  for (const part of [/state +failed \(exit 3\)/, /key +k\n/, /limits +api\n/, /meta +color=red\n/])
    expect(failed).toMatch(part)
  expect(failed).toMatch(/timeout +1h\n/)
  expect(failed).toMatch(/\nTRY +OUTCOME +STARTED +TOOK +WORKER +NOTE\n +1 +failed /)
  expect(before[0]).toMatch(/before +2\n/)
  expect(before[1]).toMatch(/state +blocked \(after 1 job\)[\s\S]*\nafter +1\n/)
  expect(JSON.parse(await perdure('status', '--json', '1'))).toMatchObject({
    id: 1,
    history: [{ number: 1 }],
  })
})

it('queues, filtered jobs, and none', async () => {
  expect(await perdure('status', '--queues')).toMatch(
    /QUEUE +HELD +SUCCEEDED +FAILED\ndefault \(paused\) +1 +- +1\nlater +- +1 +-/,
  )
  const queues = (await perdure('status', '--queues', '--json')).trim().split('\n')
  expect(queues.map((line) => JSON.parse(line).queue).sort()).toEqual(['default', 'later'])
  expect(await perdure('status', '--state', 'failed', '--meta', 'color=red')).toMatch(
    /\n +1 +failed +default +1\/\d+ /,
  )
  expect(await perdure('status', '--kind', 'other')).toBe('No jobs.\n')
  const oldest = (await perdure('status', '--json', '--oldest', '--limit', '2')).trim().split('\n')
  expect(oldest.map((line) => JSON.parse(line).id)).toEqual([1, 2])
})

it('pictures again and again, until it is told to stop', async () => {
  expect(await hear(['status', '--watch', '--interval', '100ms'], /default \(paused\)/, 'SIGINT')).toBe(0)
  expect(await hear(['status', '--watch', '--interval', '100ms', '3'], /state +held/, 'SIGTERM')).toBe(0)
})

it('changes as they happen, a line each', async () => {
  const running = sandbox.start(['status', '--watch', '--json', '3'])
  // whoever watches the changes must be there before there are any
  let verb = 'release'
  const isHeard = running.prints(/"id":3,.*"state":"ready"/).then(() => true)
  while (!(await Promise.race([isHeard, perdure(verb, '3').then(() => false)])))
    verb = verb === 'release' ? 'hold' : 'release'
  expect(await running.end()).toBe(0)
})
