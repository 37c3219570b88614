/**
 * Tokens as operators use them: made, shown from a file and from standard input, rotated and revoked beside a running node.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { open } from '../../src/index.ts'
import { socketPath } from '../../src/protocol/address.ts'
import { type NodeProcess, startNodeProcess } from './testdata/node-process.ts'

const name = userInfo().username
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

let folder: string
let file: string
let node: NodeProcess | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-token-'))
  file = join(folder, 'p.db')
})

afterEach(async () => {
  await node?.end('SIGKILL')
  node = undefined
  rmSync(folder, { recursive: true, force: true })
})

interface Call {
  readonly input?: string
  readonly env?: Record<string, string>
}

function perdure(words: readonly string[], { input = '', env = {} }: Call = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ input, encoding: 'utf8', timeout: 60_000, cwd: folder },
    env: { PATH: process.env.PATH, HOME: folder, USER: 'ops', ...env },
  })
  return { status, stdout, stderr }
}

const beside = (...words: string[]) => perdure([...words, '--url', `sqlite:${file}`])

function create(grant: string, name: string): string {
  const path = join(folder, name)
  const made = beside('token', 'create', ...grant.split(' '), '--label', name, '--output', path, '--json')
  expect(made.status).toBe(0)
  return path
}

const idOf = (name: string): string => {
  const rows = beside('token', 'list', '--json').stdout.trimEnd().split('\n')
  return rows
    .map((row) => JSON.parse(row) as { id: string; label: string })
    .find(({ label }) => label === name)?.id as string
}

describe('a node with tokens', () => {
  it('lets in whoever shows one, by whatever way but the command line', async () => {
    const path = create('producer in acme', 'ingest')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    node = await startNodeProcess(file)
    const url = ['--url', node.url]
    expect(perdure(['status', ...url])).toMatchObject({
      status: 77,
      stderr: expect.stringContaining('UNAUTHENTICATED'),
    })
    expect(perdure(['status', ...url, '--token-file', path]).status).toBe(0)
    const token = readFileSync(path, 'utf8')
    expect(perdure(['status', ...url, '--token-file', '-'], { input: token }).status).toBe(0)
    expect(perdure(['status', ...url], { env: { PERDURE_TOKEN_FILE: path } }).status).toBe(0)
    expect(perdure(['status', ...url], { env: { PERDURE_TOKEN: token.trim() } }).status).toBe(0)
    expect(perdure(['status', ...url], { env: { PERDURE_TOKEN: 'short' } }).status).toBe(64)
    chmodSync(path, 0o644)
    const readable = perdure(['status', ...url, '--token-file', path])
    expect([readable.status, readable.stderr]).toEqual([77, expect.stringContaining('chmod 600')])
    const denied = perdure(['pause', 'q', ...url], { env: { PERDURE_TOKEN: token.trim() } })
    expect([denied.status, denied.stderr]).toEqual([77, expect.stringContaining('DENIED')])
  })

  it('takes rotations and revocations over while it runs', async () => {
    const path = create('producer', 'ingest')
    node = await startNodeProcess(file)
    const app = await open(node.url, { tokenFile: path })
    await app.enqueue('a')
    const rotated = beside('token', 'rotate', idOf('ingest'), '--overlap', '0s')
    expect(rotated.status).toBe(0)
    writeFileSync(path, rotated.stdout)
    // the connection is ended with the old secret, and the next one shows the new one
    while ((await app.client.position().catch(() => undefined)) === undefined);
    await app.enqueue('a')
    expect(beside('token', 'revoke', idOf('ingest')).status).toBe(0)
    let last: { code?: string } = {}
    while (last.code !== 'UNAUTHENTICATED') {
      last = await app.client.position().then(
        () => ({}),
        (error: { code: string }) => error,
      )
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await app.close()
    const actions = beside('audit', 'show').stdout.trimEnd().split('\n')
    // between them who tried to come in with what counted no more
    const made = actions.map((line) => line.split('\t')[3]).filter((what) => what !== 'enter')
    expect(made).toEqual(['token.create', 'token.rotate', 'token.revoke'])
    expect(beside('audit', 'verify').status).toBe(0)
  })

  it('records operators by name, and shows when the record was changed', async () => {
    create('operator', 'ops')
    node = await startNodeProcess(file)
    const url = ['--url', node.url, '--token-file', join(folder, 'ops')]
    expect(perdure(['pause', 'q', ...url]).status).toBe(0)
    const audit = `${file}.audit`
    expect(readFileSync(audit, 'utf8')).toContain('"what":"pauseQueue"')
    writeFileSync(audit, readFileSync(audit, 'utf8').replace('"paused":true', '"paused":false'))
    expect(beside('audit', 'verify').status).toBe(65)
  })

  it('records what its owner does by way of the socket', async () => {
    node = await startNodeProcess(file)
    expect(beside('pause', 'q').status).toBe(0)
    expect(beside('resume', 'q').status).toBe(0)
    const actions = beside('audit', 'show', '--json').stdout.trimEnd().split('\n')
    expect(actions.map((line) => JSON.parse(line))).toMatchObject([
      { who: 'owner', name, what: 'pauseQueue', on: { queue: 'q', paused: true }, outcome: 'ok' },
      { who: 'owner', name, what: 'pauseQueue', on: { queue: 'q', paused: false }, outcome: 'ok' },
    ])
  })

  it('records what its owner does without a node', async () => {
    expect(beside('enqueue', 'a').stdout).toBe('1\n')
    expect(beside('status').status).toBe(0)
    // neither makes a job nor looks at one as an operator
    expect(existsSync(`${file}.audit`)).toBe(false)
    expect(beside('kill', '1').status).toBe(0)
    expect(beside('signal', '1', 'go').status).not.toBe(0)
    const actions = beside('audit', 'show', '--json').stdout.trimEnd().split('\n')
    expect(actions.map((line) => JSON.parse(line))).toMatchObject([
      { who: 'owner', name, what: 'control', on: { job: 1, verb: 'cancel' }, outcome: 'ok' },
      { who: 'owner', name, what: 'workflows.signal', on: { job: 1, signal: 'go' }, outcome: 'WRONG_STATE' },
    ])
    expect(beside('audit', 'verify').status).toBe(0)
  })

  it('records what its owner does by way of a program that holds the store', async () => {
    const program = await open(`sqlite:${file}`)
    await program.pause('mine')
    const operator = await open(`unix:${socketPath(file)}`)
    await operator.pause('q')
    await operator.close()
    await program.close()
    const actions = beside('audit', 'show', '--json').stdout.trimEnd().split('\n')
    expect(actions.map((line) => JSON.parse(line).on)).toEqual([{ queue: 'q', paused: true }])
  })

  it('does not store the token of whoever submits', async () => {
    const path = create('producer', 'ingest')
    node = await startNodeProcess(file)
    const token = readFileSync(path, 'utf8').trim()
    const submitted = perdure(['submit', '--url', node.url, '--', 'env'], { env: { PERDURE_TOKEN: token } })
    expect(submitted).toMatchObject({ status: 0, stdout: '1\n' })
    const app = await open(node.url, { tokenFile: path })
    const { options } = await app.get(1)
    expect(options.command?.env).toMatchObject({ USER: 'ops' })
    expect(JSON.stringify(options)).not.toContain(token.slice(-20))
    await app.close()
  })

  it('is not started where others can reach it without a token, and says what to do', () => {
    const started = beside('node', '--host', '0.0.0.0', '--port', '0')
    expect([started.status, started.stderr]).toEqual([77, expect.stringContaining('perdure token create')])
  })
})
