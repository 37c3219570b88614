/**
 * Workers that an operator can leave alone: processes that die, new code while work goes on, what they say of themselves.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Sandbox } from './testdata/sandbox.ts'

const ENQUEUE = fileURLToPath(new URL('./testdata/enqueue.ts', import.meta.url))
const JOBS = fileURLToPath(new URL('./testdata/jobs.ts', import.meta.url))

let sandbox: Sandbox

beforeEach(() => {
  sandbox = new Sandbox()
})
afterEach(() => sandbox.close())

const details = async (id: string) => JSON.parse(await sandbox.ok(['status', '--json', id]))
const codeOf = async (...args: string[]) => (await sandbox.run(args)).code

/** Resolves when a file is there. */
async function appears(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** Resolves when a process has ended. */
async function gone(pid: number): Promise<void> {
  while (spawnSync('kill', ['-0', String(pid)]).status === 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** A command that says that it runs, and waits to be let go. */
function waiting(name: string): { readonly command: string[]; started(): Promise<void>; letGo(): void } {
  const [started, go] = [sandbox.path(`${name}.started`), sandbox.path(`${name}.go`)]
  const script = `echo $PPID $$ > '${started}.new'; mv '${started}.new' '${started}'; until [ -e '${go}' ]; do sleep 0.02; done`
  return {
    command: ['sh', '-c', script],
    started: () => appears(started),
    letGo: () => writeFileSync(go, ''),
  }
}

describe('processes of their own', () => {
  it('a crash, too much memory and a blocked loop cost their job a try, and the worker lives', async () => {
    const enqueued = sandbox.node([ENQUEUE, 'crash', 'greedy', 'blocked', 'pid', 'pid'])
    expect(await enqueued.ended).toMatchObject({ code: 0, stderr: '' })
    const numbers = ['-j', '2', '--processes', '2', '--memory', '48MiB']
    const worker = sandbox.start(['run', JOBS, ...numbers, '--until-empty'])
    expect((await worker.ended).code).toBe(0)
    const newest = (kind: string) => sandbox.ok(['status', '--json', '--kind', kind, '-n', '1'])
    const [crash, greedy, blocked, first] = (
      await Promise.all(['crash', 'greedy', 'blocked', 'pid'].map(newest))
    ).map((line) => JSON.parse(line))
    expect(crash).toMatchObject({ state: 'failed', attempts: 2, error: { code: 'WORKER_LOST' } })
    expect(greedy).toMatchObject({ state: 'failed', error: { code: 'WORKER_LOST' } })
    expect(blocked).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
    expect(first.state).toBe('succeeded')
    expect(first.result).not.toBe(worker.child.pid)
  })

  it('commands run in small processes, and end with a worker that is killed', async () => {
    const { command, started } = waiting('a')
    await sandbox.submit(...command)
    const worker = sandbox.start(['worker', '-j', '1', '--processes', '1'])
    await started()
    const [pool, shell] = readFileSync(sandbox.path('a.started'), 'utf8').trim().split(' ').map(Number)
    expect(pool).not.toBe(worker.child.pid)
    await worker.kill()
    await gone(pool as number)
    await gone(shell as number)
  })
})

describe('a supervised worker', () => {
  it('is started again when it dies, and ends when it is told to', async () => {
    const worker = sandbox.start(['worker', '--supervised', '-j', '1'])
    await worker.says('Working on default')
    const before = JSON.parse(await sandbox.ok(['status', '--workers', '--json']))
    expect(before.status.supervisor).toBe(worker.child.pid)
    process.kill(before.pid, 'SIGKILL')
    await worker.says('It is started again')
    await worker.says('Working on default', 2)
    const id = await sandbox.submit('true')
    await sandbox.ok(['wait', id])
    expect(await worker.end()).toBe(0)
  })

  it('takes new code without losing work: what runs goes on, what comes is done by the successor', async () => {
    const long = waiting('long')
    const id = await sandbox.submit(...long.command)
    const worker = sandbox.start(['worker', '--supervised', '-j', '1'])
    await long.started()
    expect(await sandbox.ok(['worker', '--reload'])).toBe(`${worker.child.pid}\n`)
    await worker.says('The successor works')
    // the one slot of the old one is taken
    const next = await sandbox.submit('true')
    await sandbox.ok(['wait', next])
    expect(await details(id)).toMatchObject({ state: 'running', attempts: 1 })
    long.letGo()
    await sandbox.ok(['wait', id])
    expect(await details(id)).toMatchObject({ state: 'succeeded', attempts: 1 })
    const after = await sandbox.submit('true')
    await sandbox.ok(['wait', after])
    expect(await worker.end()).toBe(0)
  })

  it('keeps the old one when the new one does not start', async () => {
    const file = sandbox.write('perdure.yaml', 'worker: { supervised: true }\n')
    const worker = sandbox.start(['worker', '--config', file])
    await worker.says('Working on default')
    writeFileSync(file, 'worker: { supervised: true, concurency: 3 }\n')
    worker.child.kill('SIGHUP')
    await worker.says('did not come to work')
    const id = await sandbox.submit('true')
    await sandbox.ok(['wait', id])
    expect(await worker.end()).toBe(0)
  })

  it('that is a node as well is started again in its place', async () => {
    const up = sandbox.start(['up', JOBS, '--supervised', '--port', '0', '-j', '1'])
    const pids = new Set<number>()
    const meet = async (times: number): Promise<void> => {
      await up.says('Working on', times)
      const { pid, status } = JSON.parse(await sandbox.ok(['status', '--workers', '--json']))
      expect(status.supervisor).toBe(up.child.pid)
      pids.add(pid)
      expect(pids.size).toBe(times)
    }
    await meet(1)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await meet(2)
    up.child.kill('SIGHUP')
    await meet(3)
    expect(await up.end()).toBe(0)
  })

  it('ends with its supervisor, and does not begin with a mistake', async () => {
    const worker = sandbox.start(['worker', '--supervised'])
    await worker.says('Working on default')
    const { pid } = JSON.parse(await sandbox.ok(['status', '--workers', '--json']))
    await worker.kill()
    await gone(pid)
    expect(await codeOf('worker', '--supervised', '-j', '0')).toBe(64)
    expect(await codeOf('worker', '--reload')).toBe(66)
  })
})

it('a running worker takes over what may change, and says what needs a restart', async () => {
  const file = sandbox.write('perdure.yaml', 'worker: { concurrency: 1, name: me }\n')
  const worker = sandbox.start(['worker', '--config', file])
  await worker.says('with 1 slot')
  const [a, b] = [waiting('a'), waiting('b')]
  await sandbox.submit(...a.command)
  await sandbox.submit(...b.command)
  await a.started()
  writeFileSync(file, 'worker: { concurrency: 2, name: you }\n')
  await worker.says('worker.concurrency has changed')
  await worker.says('worker.name has changed; it counts after a restart')
  await b.started()
  const shown = await sandbox.ok(['status', '--workers'])
  expect(shown).toMatch(/^me +working +2\/\d +0 +0 /m)
  expect(shown).toMatch(/shell +default +1 .* me$/m)
  a.letGo()
  b.letGo()
  expect(await worker.end()).toBe(0)
})
