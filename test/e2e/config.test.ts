/**
 * The configuration as commands use it: real processes, a real store.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Sandbox } from './testdata/sandbox.ts'

let sandbox: Sandbox
let folder: string
beforeEach(() => {
  sandbox = new Sandbox()
  folder = sandbox.folder
})
afterEach(() => sandbox.close())

/** Without the variable that names the store. */
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  sandbox.run(args, { env: { PERDURE_URL: '', ...env } })

it('the own file names the store, a variable wins over it, and a flag over both', async () => {
  const home = join(folder, '.config', 'perdure')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'perdure.yaml'), `store: { url: 'sqlite:${folder}/file.db' }\n`)
  const fact = async (args: readonly string[], env?: Record<string, string>) =>
    JSON.parse((await run(['doctor', '--json', ...args], env)).stdout).facts.file
  expect(await fact([])).toBe(join(folder, 'file.db'))
  expect(await fact([], { PERDURE_URL: `sqlite:${folder}/variable.db` })).toBe(join(folder, 'variable.db'))
  expect(
    await fact(['--url', `sqlite:${folder}/flag.db`], { PERDURE_URL: `sqlite:${folder}/variable.db` }),
  ).toBe(join(folder, 'flag.db'))
})

it('no command starts with a mistake in its configuration', async () => {
  writeFileSync(join(folder, 'bad.yaml'), 'worker:\n  concurency: 8\n')
  for (const args of [['status'], ['worker', '--until-empty'], ['submit', '--', 'true']]) {
    const { code, stderr, stdout } = await run(args, { PERDURE_CONFIG: 'bad.yaml' })
    expect(stdout).toBe('')
    expect(stderr).toContain('bad.yaml:2:3')
    expect(stderr).toContain('[INVALID_CONFIG]')
    expect(code).toBe(78)
  }
  const check = await run(['config', 'check', 'bad.yaml'])
  expect(check.code).toBe(78)
  expect(check.stdout).toContain('Did you mean concurrency?')
})

it('prints every setting with where it comes from', async () => {
  writeFileSync(join(folder, 'good.yaml'), 'worker:\n  drain: 5s\n  name: me\n')
  const { stdout, code } = await run(['config', 'print', 'good.yaml'], { PERDURE_WORKER_DRAIN: '7s' })
  expect(code).toBe(0)
  expect(stdout).toMatch(/worker\.drain +7s +PERDURE_WORKER_DRAIN \(over good\.yaml:2:10\)/)
  expect(stdout).toMatch(/worker\.name +me +good\.yaml:3:9/)
  expect(stdout).toMatch(/node\.port +7400 +default/)
})

it('a node takes over what may change while it runs, and says what may not', async () => {
  const file = sandbox.write('node.yaml', 'node: { port: 0, limits: { rate: 1000 } }\n')
  const node = sandbox.start(['node', '--config', file])
  await node.says('Listening on')
  sandbox.write('node.yaml', 'node: { port: 0, metrics: false, limits: { rate: 1 } }\n')
  await node.says('node.limits.rate has changed.')
  await node.says('node.metrics has changed; it counts after a restart.')
  const [, url] = /Listening on (http\S+)/.exec(node.stderr) ?? []
  const jobs = Array.from({ length: 600 }, () => ({ kind: 'a' }))
  const enqueue = () =>
    fetch(`${url}/perdure.v1.JobService/Enqueue`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jobs }),
    })
  // ten minutes' worth is let through where nothing came before
  expect([(await enqueue()).status, (await enqueue()).status]).toEqual([200, 429])
  expect(await node.end()).toBe(0)
})
