/**
 * Workers and producers in other languages, on a node that is killed, cancels, and gives their jobs to others.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { needProgram } from '../../scripts/lib/debian.ts'
import { type App, open } from '../../src/index.ts'
import { type NodeProcess, startNodeProcess } from '../../test/e2e/testdata/node-process.ts'
import { TcpProxy } from '../../test/e2e/testdata/tcp-proxy.ts'
import { type Ended, run } from '../testdata/run-example.ts'

interface Language {
  readonly name: string
  readonly program: string
  readonly worker: string
  readonly producer: string
}

const file = (...names: string[]): string => join(import.meta.dirname, ...names)
const LANGUAGES: readonly Language[] = [
  {
    ...{ name: 'python', program: 'python3' },
    ...{ worker: file('python', 'worker.py'), producer: file('python', 'producer.py') },
  },
  {
    ...{ name: 'bash', program: 'bash' },
    ...{ worker: file('bash', 'worker.sh'), producer: file('bash', 'producer.sh') },
  },
]

/** Python leaves nothing beside its sources. */
const OURS = { PYTHONDONTWRITEBYTECODE: '1' }

let folder: string
let node: NodeProcess
let proxy: TcpProxy
let app: App
let workers: ChildProcess[]

beforeAll(() => {
  for (const program of ['python3', 'curl', 'jq']) needProgram(program, program)
}, 300_000)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-languages-'))
  node = await startNodeProcess(join(folder, 'p.db'))
  proxy = await TcpProxy.open(node.port)
  app = await open(proxy.url)
  workers = []
})

afterEach(async () => {
  for (const worker of workers)
    if (worker.exitCode === null && worker.signalCode === null) end(worker, 'SIGKILL')
  await app.close()
  await proxy.close()
  await node.end('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Signals a worker with everything that it has started. */
function end(worker: ChildProcess, signal: NodeJS.Signals): void {
  process.kill(-(worker.pid as number), signal)
}

/** Starts a worker; resolves when it says that it works. */
async function startWorker(
  { program, worker }: Language,
  env: NodeJS.ProcessEnv = {},
): Promise<ChildProcess> {
  const child = spawn(program, [worker], {
    env: { ...process.env, ...OURS, PERDURE_URL: proxy.url, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  workers.push(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk) => {
      said += chunk
      if (said.includes('works on')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}: ${said}`)))
  })
  return child
}

function produce({ program, producer }: Language, ...texts: string[]): Promise<Ended> {
  return run(program, [producer, ...texts], { cwd: folder, env: { ...OURS, PERDURE_URL: proxy.url } })
}

async function enqueue(kind: string, input: unknown, heartbeatMs = 30_000): Promise<number> {
  const options = { timeouts: { heartbeatMs }, retry: { attempts: 3, minMs: 1, maxMs: 1 } }
  const [job] = await app.client.enqueue([{ kind, input, options }])
  return job?.id as number
}

/** Resolves when the output of a job holds a text. */
async function writes(id: number, text: string): Promise<void> {
  let all = ''
  for await (const entry of app.client.logs(id, { follow: true })) {
    all += entry.text
    if (all.includes(text)) return
  }
  throw new Error(`job ${id} ended without writing ${JSON.stringify(text)}: ${all}`)
}

describe.each(LANGUAGES)('$name', (language) => {
  it('produces jobs, works on them, and finds them again by their keys', async () => {
    await startWorker(language)
    const first = await produce(language, 'two words', 'and $three "words"')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^1\t.*2/m)
    expect(first.stdout).toMatch(/^2\t.*3/m)
    const { input, result, worker } = await app.client.get(2)
    expect({ input, result }).toEqual({ input: { text: 'and $three "words"' }, result: { words: 3 } })
    expect(worker).toMatch(new RegExp(`^${language.name}:`))
    await writes(2, '3 words')
    expect(await produce(language, 'two words')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1\t/),
    })
    expect((await app.client.list({})).jobs).toHaveLength(2)
  })

  it('fails a job whose handler fails, and it is tried again', async () => {
    await startWorker(language)
    const id = await enqueue('count-slowly', null)
    const { state, error } = await app.client.wait(id)
    expect({ state, code: error?.code }).toEqual({ state: 'failed', code: 'HANDLER_FAILED' })
    expect((await app.client.get(id)).attempts).toBe(3)
  })

  it('goes on with what it runs when the node is killed and comes back', async () => {
    await startWorker(language)
    const id = await enqueue('count-slowly', { to: 6, step: 0.5 })
    await writes(id, '1\n')
    await node.end('SIGKILL')
    node = await startNodeProcess(join(folder, 'p.db'))
    proxy.lead(node.port)
    expect(await app.client.wait(id)).toMatchObject({ state: 'succeeded', result: { counted: 6 } })
    const { history } = await app.client.get(id)
    expect(history.map(({ outcome }) => outcome)).toEqual(['succeeded'])
    await writes(id, '1\n2\n3\n4\n5\n6\n')
  })

  it('produces although the node is killed while it waits', async () => {
    const waiting = produce(language, 'one two')
    while ((await app.client.list({})).jobs.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20))
    await node.end('SIGKILL')
    node = await startNodeProcess(join(folder, 'p.db'))
    proxy.lead(node.port)
    await startWorker(language)
    expect(await waiting).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1\t/) })
    expect((await app.client.list({})).jobs).toHaveLength(1)
  })

  it('notices that its lease was lost while it slept, leaves the job alone, and takes the next', async () => {
    const worker = await startWorker(language)
    const id = await enqueue('count-slowly', { to: 1_000, step: 0.2 }, 3_000)
    await writes(id, '1\n')
    end(worker, 'SIGSTOP')
    const other = await app.client.openWorker({ name: 'other', host: 'elsewhere.example', pid: 1 })
    const [lease] = await other.poll({ queues: ['default'], kinds: ['count-slowly'], slots: 1 })
    expect(lease).toMatchObject({ job: id })
    await other.report([{ token: lease?.token as string, outcome: { type: 'succeeded', result: 'mine' } }])
    end(worker, 'SIGCONT')
    // it has one job at a time at most, or takes this one beside: either way it lives and works
    const next = await enqueue('count-words', { text: 'a b' })
    expect(await app.client.wait(next)).toMatchObject({ state: 'succeeded', result: { words: 2 } })
    const { result, history } = await app.client.get(id)
    expect(result).toBe('mine')
    expect(history.at(-1)).toMatchObject({ outcome: 'succeeded', worker: 'other' })
    // one that has slots left may have been granted it a second time into a poll that slept as well
    expect(new Set(history.slice(0, -1).map(({ outcome }) => outcome))).toEqual(new Set(['lost']))
  })

  it('stops what is cancelled', async () => {
    await startWorker(language)
    const id = await enqueue('count-slowly', { to: 1_000, step: 0.2 }, 6_000)
    await writes(id, '1\n')
    await app.client.control(id, { verb: 'cancel' })
    expect(await app.client.wait(id)).toMatchObject({ state: 'cancelled' })
    expect((await app.client.get(id)).history).toMatchObject([{ outcome: 'cancelled' }])
  })

  it('ends in order when it is asked to: what runs may end', async () => {
    const worker = await startWorker(language)
    const id = await enqueue('count-slowly', { to: 4, step: 0.2 })
    await writes(id, '1\n')
    const ended = once(worker, 'exit')
    worker.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(await app.client.get(id)).toMatchObject({ state: 'succeeded', attempts: 1 })
    const idle = await startWorker(language)
    const gone = once(idle, 'exit')
    idle.kill('SIGTERM')
    expect(await gone).toEqual([0, null])
  })

  it('shows its token with every call', async () => {
    const shown: (string | undefined)[] = []
    const server = createServer((request, response) => {
      shown.push(request.headers.authorization)
      response.writeHead(403, { 'content-type': 'application/json' })
      response.end('{"code":"permission_denied","message":"no"}')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await startWorker(language, { PERDURE_URL: url, PERDURE_TOKEN: 'tok3n' })
    while (shown.length < 3) await once(server, 'request')
    server.close()
    server.closeAllConnections()
    expect(new Set(shown)).toEqual(new Set(['Bearer tok3n']))
  })
})
