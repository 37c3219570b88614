/** Shows that a worker that is killed leaves no command behind: its guard ends them, or whoever opens the store next. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { reapOrphans } from './orphans.ts'
import { cookieOf, findProcesses, hasProcessTable, isAlive, signal, variableOf } from './processes.ts'
import { standing } from './testdata/standing.ts'

/** A worker that runs a tree of processes. */
const WORKER = `
import { createShellExecutor } from '${new URL('./shell.ts', import.meta.url).href}'
const [guard, storeId] = process.argv.slice(1)
const executor = createShellExecutor({ storeId, guard: guard === 'guard' })
const script = 'sleep 311 & setsid sh -c "sleep 312 & sleep 313" & echo started; wait'
const { signal } = new AbortController()
const log = (_stream, text) => process.stdout.write(text)
const attempt = { job: 1, kind: 'shell', attempt: 1, token: process.pid + '.1', input: { script }, metadata: {} }
const outcome = await executor.run(attempt, { signal, graceMs: 1000, log, progress() {} })
process.stdout.write(JSON.stringify(outcome))
`

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

/** Starts a worker, and waits until the whole tree of its command stands. */
async function startWorker(
  guard: 'guard' | 'alone',
  storeId: string,
): Promise<{ child: ChildProcess; cookie: string; running: number[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WORKER, guard, storeId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  const [text] = (await once(child.stdout!, 'data')) as [Buffer]
  expect(String(text)).toBe('started\n')
  const cookie = cookieOf(child.pid!)
  const running = await standing(() => commandsOf(cookie), [311, 312, 313])
  return { child, cookie, running }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const commandsOf = (cookie: string): Promise<number[]> =>
  findProcesses((environ) => variableOf(environ, 'PERDURE_OWNER') === cookie)

describe.runIf(hasProcessTable)('orphans', () => {
  it('are found and ended when a store is opened again', async () => {
    const { child, cookie, running } = await startWorker('alone', 'orphans-1')
    expect(running.length).toBeGreaterThanOrEqual(4)
    // while the worker lives they are no orphans
    expect(await reapOrphans({ storeId: 'orphans-1' })).toEqual({
      supported: true,
      killed: [],
      survivors: [],
    })
    await kill(child)
    expect((await commandsOf(cookie)).sort()).toEqual(running.sort())
    // nor are they those of another store
    expect((await reapOrphans({ storeId: 'orphans-2' })).killed).toEqual([])
    const { killed, survivors } = await reapOrphans({ storeId: 'orphans-1' })
    expect([...killed].sort()).toEqual(running.sort())
    expect(survivors).toEqual([])
    expect(await commandsOf(cookie)).toEqual([])
  })

  it('spare whoever is excluded', async () => {
    const { child, cookie } = await startWorker('alone', 'orphans-3')
    await kill(child)
    const all = await commandsOf(cookie)
    // one that does not end because others do
    const spared =
      all.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep\x00311')) ?? 0
    const others = all.filter((pid) => pid !== spared)
    const { killed } = await reapOrphans({ storeId: 'orphans-3', exclude: [spared] })
    expect([...killed].sort()).toEqual(others.sort())
    expect(await commandsOf(cookie)).toEqual([spared])
    expect((await reapOrphans({ storeId: 'orphans-3' })).killed).toEqual([spared])
  })

  it('are ended by the guard at once when the worker is killed', async () => {
    const { child, cookie, running } = await startWorker('guard', 'orphans-4')
    const cookies = running.map(cookieOf)
    expect(cookies.length).toBeGreaterThanOrEqual(4)
    await kill(child)
    // one that is being ended has lost its environment before it counts as dead
    while (cookies.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await commandsOf(cookie)).toEqual([])
  })

  it('are not made by a worker that ends in order: its guard goes with it', async () => {
    const { child, cookie } = await startWorker('guard', 'orphans-5')
    const guards = async (): Promise<number> => {
      const [pid = '', ticks = ''] = cookie.split('.')
      let count = 0
      await findProcesses((_environ, candidate) => {
        const line = readFileSync(`/proc/${candidate}/cmdline`, 'latin1')
        if (line.endsWith(`perdure-guard\0${pid}\0${ticks}\0`)) count++
        return false
      })
      return count
    }
    expect(await guards()).toBe(1)
    for (const pid of await commandsOf(cookie)) signal(pid, 'SIGKILL')
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    while ((await guards()) > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  })
})

describe.skipIf(hasProcessTable)('orphans elsewhere', () => {
  it('are not looked for, and the answer says so', async () => {
    expect(await reapOrphans({ storeId: 'x' })).toEqual({ supported: false, killed: [], survivors: [] })
  })
})
