/**
 * What people and programs see of jobs on the command line: everything about one, queues, and changes as they happen.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

let folder: string
let env: NodeJS.ProcessEnv
/** What was said of the first two jobs before any worker came. */
let before: string[]

function perdure(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  })
  expect({ args, status, stderr }).toMatchObject({ args, status: 0 })
  return stdout
}

/** Starts a command that goes on, hears lines until one fits, and ends it as a person would. */
async function hear(
  args: readonly string[],
  wanted: RegExp,
  signal: NodeJS.Signals,
  act = () => {},
): Promise<number> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'close')
  // whoever watches the changes must be there before there are any
  const acting = setInterval(act, 500)
  try {
    for await (const line of lines) if (wanted.test(line)) break
  } finally {
    clearInterval(acting)
    child.kill(signal)
  }
  child.stdout.resume()
  const [code] = (await ended) as [number]
  return code
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-status-'))
  env = { PATH: process.env.PATH, HOME: folder, PERDURE_URL: `sqlite:${join(folder, 'store.db')}` }
  perdure(
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
  perdure('submit', '--after', '1:run', '--queue', 'later', 'true')
  before = ['1', '2'].map((id) => perdure('status', id))
  perdure('worker', '--until-empty', 'default', 'later')
  perdure('submit', '--hold', '--name', 'third', 'true')
  perdure('pause', 'default')
})
afterAll(() => rmSync(folder, { recursive: true }))

it('one job, with its past', () => {
  const failed = perdure('status', '1')
  for (const part of [/state +failed \(exit 3\)/, /key +k\n/, /limits +api\n/, /meta +color=red\n/])
    expect(failed).toMatch(part)
  expect(failed).toMatch(/timeout +1h\n/)
  expect(failed).toMatch(/\nTRY +OUTCOME +STARTED +TOOK +WORKER +NOTE\n +1 +failed /)
  expect(before[0]).toMatch(/before +2\n/)
  expect(before[1]).toMatch(/state +blocked \(after 1 job\)[\s\S]*\nafter +1\n/)
  expect(JSON.parse(perdure('status', '--json', '1'))).toMatchObject({ id: 1, history: [{ number: 1 }] })
})

it('queues, filtered jobs, and none', () => {
  expect(perdure('status', '--queues')).toMatch(
    /QUEUE +HELD +SUCCEEDED +FAILED\ndefault \(paused\) +1 +- +1\nlater +- +1 +-/,
  )
  const queues = perdure('status', '--queues', '--json').trim().split('\n')
  expect(queues.map((line) => JSON.parse(line).queue).sort()).toEqual(['default', 'later'])
  expect(perdure('status', '--state', 'failed', '--meta', 'color=red')).toMatch(
    /\n +1 +failed +default +1\/\d+ /,
  )
  expect(perdure('status', '--kind', 'other')).toBe('No jobs.\n')
  const oldest = perdure('status', '--json', '--oldest', '--limit', '2').trim().split('\n')
  expect(oldest.map((line) => JSON.parse(line).id)).toEqual([1, 2])
})

it('pictures again and again, until it is told to stop', async () => {
  expect(await hear(['status', '--watch', '--interval', '100ms'], /default \(paused\)/, 'SIGINT')).toBe(0)
  expect(await hear(['status', '--watch', '--interval', '100ms', '3'], /state +held/, 'SIGTERM')).toBe(0)
})

it('changes as they happen, a line each', async () => {
  let isHeld = true
  const toggle = (): void => {
    perdure(isHeld ? 'release' : 'hold', '3')
    isHeld = !isHeld
  }
  const changed = /"id":3,.*"state":"ready"/
  expect(await hear(['status', '--watch', '--json', '3'], changed, 'SIGTERM', toggle)).toBe(0)
})
