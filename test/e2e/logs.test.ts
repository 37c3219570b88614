/**
 * Logs of real processes: one stream from a node, its workers and their jobs, whatever is killed meanwhile.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type NodeProcess, startNodeProcess } from './testdata/node-process.ts'
import { TcpProxy } from './testdata/tcp-proxy.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

interface Line {
  readonly level: string
  readonly source: string
  readonly message: string
  readonly worker?: string
  readonly job?: number
  readonly queue?: string
  readonly stream?: string
  readonly data?: Readonly<Record<string, unknown>>
}

let folder: string
let file: string
let node: NodeProcess
let proxy: TcpProxy
let spoken: Spoken[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-logs-'))
  file = join(folder, 'p.db')
  node = await startNodeProcess(file)
  proxy = await TcpProxy.open(node.port)
  spoken = []
})

afterEach(async () => {
  for (const one of spoken) await one.end('SIGKILL')
  await proxy.close()
  await node.end('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const environment = () => ({ PATH: process.env.PATH ?? '', HOME: folder, PERDURE_URL: proxy.url })

/** A command whose lines of JSON, on one of its streams, can be waited for. */
class Spoken {
  readonly lines: Line[] = []
  readonly #child: ChildProcess
  #rest = ''
  #hasEnded = false
  #wake = (): void => {}

  constructor(stream: 'stdout' | 'stderr', ...args: string[]) {
    const stdio = ['ignore', 'ignore', 'ignore'] as ('ignore' | 'pipe')[]
    stdio[stream === 'stdout' ? 1 : 2] = 'pipe'
    this.#child = spawn(process.execPath, [MAIN, ...args], { env: environment(), cwd: folder, stdio })
    this.#child[stream]?.on('data', (chunk: Buffer) => this.#take(String(chunk)))
    this.#child.on('close', () => {
      this.#hasEnded = true
      this.#wake()
    })
    spoken.push(this)
  }

  /** The first line that fits, now or later. */
  async says(fits: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(fits)
      if (found !== undefined) return found
      if (this.#hasEnded) throw new Error(`ended without saying it: ${JSON.stringify(this.lines)}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill(signal)
    await once(this.#child, 'exit')
  }

  #take(chunk: string): void {
    const lines = `${this.#rest}${chunk}`.split('\n')
    this.#rest = lines.pop() ?? ''
    this.lines.push(...lines.map((line) => JSON.parse(line) as Line))
    this.#wake()
  }
}

/** Runs a command to its end. Never waits in the foreground: the proxy is in this process. */
async function run(...args: string[]): Promise<{ readonly code: unknown; readonly stdout: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    ...{ env: environment(), cwd: folder, timeout: 60_000 },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stdout }
}

async function submit(...command: string[]): Promise<number> {
  return Number((await run('--quiet', 'submit', '--', ...command)).stdout)
}

const works = ({ message }: Line): boolean => message.startsWith('Working on default')

it('has what a node, a worker and a job say, for whoever follows it', async () => {
  const follower = new Spoken('stdout', 'logs', '-f', '--json')
  await follower.says(({ source, message }) => source === 'node' && message.startsWith('Listening on'))
  const worker = new Spoken('stderr', 'worker', '-j', '2')
  const { worker: name } = await worker.says(works)
  expect(await follower.says(works)).toMatchObject({ source: 'worker', worker: name })
  const id = await submit('sh', '-c', 'echo to stdout; echo to stderr >&2')
  const about = { level: 'info', source: 'job', worker: name, job: id, queue: 'default', kind: 'shell' }
  for (const stream of ['stdout', 'stderr'])
    expect(await follower.says((line) => line.stream === stream)).toMatchObject({
      ...about,
      message: `to ${stream}\n`,
    })
  await worker.end('SIGTERM')
  await follower.says(({ message, source }) => source === 'worker' && message === 'Ended')
  // no job is in the worker's own lines at the usual level
  expect(worker.lines.filter(({ job }) => job !== undefined)).toEqual([])
  const { stdout: text } = await run('logs', '--job', String(id))
  expect(text.split('\n').map((line) => line.slice(25))).toEqual([
    expect.stringMatching(/^info {2}to std(out|err) \[job=1\.1 queue=default worker=/),
    expect.stringMatching(/^info {2}to std(out|err) \[job=1\.1 queue=default worker=/),
    '',
  ])
  expect((await run('logs', '--worker', 'nobody')).stdout).toBe('')
})

it('goes on when the node is killed, and what a worker said meanwhile arrives', async () => {
  const config = join(folder, 'perdure.yaml')
  writeFileSync(config, 'worker:\n  drain: 5s\n')
  const worker = new Spoken('stderr', 'worker', '--config', config)
  const { worker: name } = await worker.says(works)
  await node.end('SIGKILL')
  writeFileSync(config, 'worker:\n  drain: 6s\n')
  const { message: meanwhile } = await worker.says(({ message }) => message.includes('has changed'))
  node = await startNodeProcess(file)
  proxy.lead(node.port)
  const follower = new Spoken('stdout', 'logs', '-f', '--json', '--worker', String(name))
  await follower.says(({ message }) => message === meanwhile)
  const id = await submit('echo', 'still here')
  await follower.says(({ job, message }) => job === id && message === 'still here\n')
})

it('has each attempt once the level says so, which may be while a worker works', async () => {
  const config = join(folder, 'perdure.yaml')
  writeFileSync(config, 'log:\n  level: warn\n')
  const worker = new Spoken('stderr', 'worker', '--config', config)
  const quiet = await submit('true')
  expect((await run('wait', '--timeout', '30s', String(quiet))).code).toBe(0)
  writeFileSync(config, 'log:\n  level: debug\n')
  await worker.says(({ message }) => message === 'log.level has changed.')
  const id = await submit('sh', '-c', 'exit 3')
  const ended = await worker.says(({ job }) => job === id)
  expect(ended).toMatchObject({ level: 'debug', message: 'Attempt failed', data: { code: 'EXIT_CODE' } })
  expect(worker.lines.filter(({ job }) => job === quiet)).toEqual([])
  expect(worker.lines.some(works)).toBe(false)
})
