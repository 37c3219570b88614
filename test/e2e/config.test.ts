/**
 * The configuration as commands use it: real processes, a real store.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-config-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function run(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  })
}

it('the own file names the store, a variable wins over it, and a flag over both', () => {
  const home = join(folder, '.config', 'perdure')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'perdure.yaml'), `store: { url: 'sqlite:${folder}/file.db' }\n`)
  const fact = (args: readonly string[], env?: Record<string, string>) =>
    JSON.parse(run(['doctor', '--json', ...args], env).stdout).facts.file
  expect(fact([])).toBe(join(folder, 'file.db'))
  expect(fact([], { PERDURE_URL: `sqlite:${folder}/variable.db` })).toBe(join(folder, 'variable.db'))
  expect(fact(['--url', `sqlite:${folder}/flag.db`], { PERDURE_URL: `sqlite:${folder}/variable.db` })).toBe(
    join(folder, 'flag.db'),
  )
})

it('no command starts with a mistake in its configuration', () => {
  writeFileSync(join(folder, 'bad.yaml'), 'worker:\n  concurency: 8\n')
  for (const args of [['status'], ['worker', '--until-empty'], ['submit', '--', 'true']]) {
    const { status, stderr, stdout } = run(args, { PERDURE_CONFIG: 'bad.yaml' })
    expect(stdout).toBe('')
    expect(stderr).toContain('bad.yaml:2:3')
    expect(stderr).toContain('[INVALID_CONFIG]')
    expect(status).toBe(78)
  }
  const check = run(['config', 'check', 'bad.yaml'])
  expect(check.status).toBe(78)
  expect(check.stdout).toContain('Did you mean concurrency?')
})

it('prints every setting with where it comes from', () => {
  writeFileSync(join(folder, 'good.yaml'), 'worker:\n  drain: 5s\n  name: me\n')
  const { stdout, status } = run(['config', 'print', 'good.yaml'], { PERDURE_WORKER_DRAIN: '7s' })
  expect(status).toBe(0)
  expect(stdout).toMatch(/worker\.drain +7s +PERDURE_WORKER_DRAIN \(over good\.yaml:2:10\)/)
  expect(stdout).toMatch(/worker\.name +me +good\.yaml:3:9/)
  expect(stdout).toMatch(/node\.port +7400 +default/)
})
