/**
 * Workers that an operator can leave alone: processes that die, new code while work goes on, what they say of themselves.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const ENQUEUE = fileURLToPath(new URL('./testdata/enqueue.ts', import.meta.url))
const JOBS = fileURLToPath(new URL('./testdata/jobs.ts', import.meta.url))

let folder: string
let children: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-workers-'))
  children = []
})

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

const environment = () => ({
  PATH: process.env.PATH ?? '',
  HOME: folder,
  PERDURE_URL: `sqlite:${join(folder, 'store.db')}`,
})

function run(args: readonly string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: environment(),
    encoding: 'utf8',
    timeout: 60_000,
  })
}

const submit = (...command: string[]): string => run(['--quiet', 'submit', '--', ...command]).stdout.trim()
const details = (id: string) => JSON.parse(run(['status', '--json', id]).stdout)

/** A worker whose notes can be waited for. */
class Worker {
  readonly child: ChildProcess
  stderr = ''

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], { env: environment(), cwd: folder, stdio: 'pipe' })
    children.push(this.child)
    this.child.stderr?.on('data', (chunk) => (this.stderr += chunk))
  }

  /** Resolves once its notes hold the text so many times. */
  async says(text: string, times = 1): Promise<void> {
    while (this.stderr.split(text).length <= times) {
      const ended = await Promise.race([
        once(this.child.stderr as never, 'data'),
        once(this.child, 'exit').then(() => 'ended'),
      ])
      if (ended === 'ended') throw new Error(`ended without ${text}: ${this.stderr}`)
    }
  }

  async ends(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode
  }
}

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
  const [started, go] = [join(folder, `${name}.started`), join(folder, `${name}.go`)]
  const script = `echo $PPID $$ > '${started}.new'; mv '${started}.new' '${started}'; until [ -e '${go}' ]; do sleep 0.02; done`
  return {
    command: ['sh', '-c', script],
    started: () => appears(started),
    letGo: () => writeFileSync(go, ''),
  }
}

describe('processes of their own', () => {
  it('a crash, too much memory and a blocked loop cost their job a try, and the worker lives', async () => {
    const enqueued = spawnSync(process.execPath, [ENQUEUE, 'crash', 'greedy', 'blocked', 'pid', 'pid'], {
      env: environment(),
      encoding: 'utf8',
    })
    expect(enqueued.stderr).toBe('')
    const numbers = ['-j', '2', '--processes', '2', '--memory', '48MiB']
    const worker = new Worker('run', JOBS, ...numbers, '--until-empty')
    expect(await worker.ends()).toBe(0)
    const [crash, greedy, blocked, first] = ['crash', 'greedy', 'blocked', 'pid'].map((kind) =>
      JSON.parse(run(['status', '--json', '--kind', kind, '-n', '1']).stdout),
    )
    expect(crash).toMatchObject({ state: 'failed', attempts: 2, error: { code: 'WORKER_LOST' } })
    expect(greedy).toMatchObject({ state: 'failed', error: { code: 'WORKER_LOST' } })
    expect(blocked).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
    expect(first.state).toBe('succeeded')
    expect(first.result).not.toBe(worker.child.pid)
  })

  it('commands run in small processes, and end with a worker that is killed', async () => {
    const { command, started } = waiting('a')
    submit(...command)
    const worker = new Worker('worker', '-j', '1', '--processes', '1')
    await started()
    const [pool, shell] = readFileSync(join(folder, 'a.started'), 'utf8').trim().split(' ').map(Number)
    expect(pool).not.toBe(worker.child.pid)
    worker.child.kill('SIGKILL')
    await gone(pool as number)
    await gone(shell as number)
  })
})

describe('a supervised worker', () => {
  it('is started again when it dies, and ends when it is told to', async () => {
    const worker = new Worker('worker', '--supervised', '-j', '1')
    await worker.says('Working on default')
    const [before] = JSON.parse(
      `[${run(['status', '--workers', '--json']).stdout.trim().split('\n').join(',')}]`,
    )
    expect(before.status.supervisor).toBe(worker.child.pid)
    process.kill(before.pid, 'SIGKILL')
    await worker.says('It is started again')
    await worker.says('Working on default', 2)
    const id = submit('true')
    expect(run(['wait', id]).status).toBe(0)
    worker.child.kill('SIGTERM')
    expect(await worker.ends()).toBe(0)
  })

  it('takes new code without losing work: what runs goes on, what comes is done by the successor', async () => {
    const long = waiting('long')
    const id = submit(...long.command)
    const worker = new Worker('worker', '--supervised', '-j', '1')
    await long.started()
    expect(run(['worker', '--reload']).stdout).toBe(`${worker.child.pid}\n`)
    await worker.says('The successor works')
    // the one slot of the old one is taken
    const next = submit('true')
    expect(run(['wait', next]).status).toBe(0)
    expect(details(id)).toMatchObject({ state: 'running', attempts: 1 })
    long.letGo()
    expect(run(['wait', id]).status).toBe(0)
    expect(details(id)).toMatchObject({ state: 'succeeded', attempts: 1 })
    const after = submit('true')
    expect(run(['wait', after]).status).toBe(0)
    worker.child.kill('SIGTERM')
    expect(await worker.ends()).toBe(0)
  })

  it('keeps the old one when the new one does not start', async () => {
    const file = join(folder, 'perdure.yaml')
    writeFileSync(file, 'worker: { supervised: true }\n')
    const worker = new Worker('worker', '--config', file)
    await worker.says('Working on default')
    writeFileSync(file, 'worker: { supervised: true, concurency: 3 }\n')
    worker.child.kill('SIGHUP')
    await worker.says('did not come to work')
    const id = submit('true')
    expect(run(['wait', id]).status).toBe(0)
    worker.child.kill('SIGTERM')
    expect(await worker.ends()).toBe(0)
  })

  it('ends with its supervisor, and does not begin with a mistake', async () => {
    const worker = new Worker('worker', '--supervised')
    await worker.says('Working on default')
    const { pid } = JSON.parse(run(['status', '--workers', '--json']).stdout)
    worker.child.kill('SIGKILL')
    await worker.ends()
    await gone(pid)
    expect(run(['worker', '--supervised', '-j', '0']).status).toBe(64)
    expect(run(['worker', '--reload']).status).toBe(66)
  })
})

it('a running worker takes over what may change, and says what needs a restart', async () => {
  const file = join(folder, 'perdure.yaml')
  writeFileSync(file, 'worker: { concurrency: 1, name: me }\n')
  const worker = new Worker('worker', '--config', file)
  await worker.says('with 1 slot')
  const [a, b] = [waiting('a'), waiting('b')]
  submit(...a.command)
  submit(...b.command)
  await a.started()
  writeFileSync(file, 'worker: { concurrency: 2, name: you }\n')
  await worker.says('worker.concurrency has changed.')
  await worker.says('worker.name has changed; it counts after a restart.')
  await b.started()
  const shown = run(['status', '--workers']).stdout
  expect(shown).toMatch(/^me +working +2\/\d +0 +0 /m)
  expect(shown).toMatch(/shell +default +1 .* me$/m)
  a.letGo()
  b.letGo()
  worker.child.kill('SIGTERM')
  expect(await worker.ends()).toBe(0)
})
