/**
 * Shows that the bootstrap installs exactly when it has to, once for many at a time, and hands over faithfully.
 *
 * The bootstrap and its processes are real; npm is a script that notes each call and "installs" a link to Node.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const NPM = `
const fs = require('node:fs')
fs.appendFileSync('calls.txt', process.argv.slice(2).join(' ') + '\\n')
if (fs.existsSync('npm-fails')) process.exit(7)
fs.rmSync('node_modules', { recursive: true, force: true })
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
fs.mkdirSync('node_modules/.bin', { recursive: true })
fs.symlinkSync(process.execPath, 'node_modules/.bin/node')
fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
console.log('npm was here')
`

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'perdure boot '))
  mkdirSync(join(root, 'scripts'))
  mkdirSync(join(root, 'bin'))
  copyFileSync(join(import.meta.dirname, 'bootstrap.mjs'), join(root, 'scripts/bootstrap.mjs'))
  write('bin/npm.cjs', NPM)
  // a shell script, because the path of this Node may have spaces, which a "#!" line cannot
  write('bin/npm', `#!/bin/sh\nexec '${process.execPath}' "\${0%/*}/npm.cjs" "$@"\n`)
  chmodSync(join(root, 'bin/npm'), 0o755)
  lockOf('1.0.0')
  write('say.mjs', 'console.log(JSON.stringify(process.argv.slice(2)))')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const write = (path: string, content: string): void => writeFileSync(join(root, path), content)
const lockOf = (version: string): void =>
  write('package-lock.json', JSON.stringify({ packages: { '': {}, 'node_modules/a': { version } } }))
const calls = (): string[] =>
  existsSync(join(root, 'calls.txt')) ? readFileSync(join(root, 'calls.txt'), 'utf8').trim().split('\n') : []

function start(
  ...args: string[]
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const child = spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs'), ...args], {
    env: { ...process.env, PATH: join(root, 'bin') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return child as ReturnType<typeof start>
}

/** Starts a script that prints "up" when it is ready, and waits for that. */
async function startAndWait(script: string): Promise<ChildProcess> {
  const child = start(script)
  const [first] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
  expect(String(first)).toBe('up\n')
  return child
}

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(...args)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { code: code as number | null, stdout, stderr }
}

describe('installing', () => {
  it('installs on the first run, says so on stderr only, and not again', async () => {
    const first = await run('say.mjs', 'a b', '--c')
    expect(first).toMatchObject({ code: 0, stdout: '["a b","--c"]\n' })
    expect(first.stderr).toContain('running "npm ci"')
    expect(await run('say.mjs')).toEqual({ code: 0, stdout: '[]\n', stderr: '' })
    expect(calls()).toEqual([expect.stringMatching(/^ci --include=dev /)])
  })

  it('installs again when the lock file changed', async () => {
    await run('say.mjs')
    lockOf('2.0.0')
    await run('say.mjs')
    expect(calls()).toHaveLength(2)
  })

  it('accepts what npm itself installed from the same lock file', async () => {
    await run('say.mjs')
    rmSync(join(root, 'node_modules/.perdure-stamp'))
    expect((await run('say.mjs')).stderr).toBe('')
    expect(calls()).toHaveLength(1)
  })

  it('installs once when several begin together', async () => {
    const runs = await Promise.all([run('say.mjs', '1'), run('say.mjs', '2'), run('say.mjs', '3')])
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual([1, 2, 3].map((n) => [0, `["${n}"]\n`]))
    expect(calls()).toHaveLength(1)
    expect(existsSync(join(root, '.cache/install.lock'))).toBe(false)
  })

  it('takes over the lock of a process that died', async () => {
    const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await once(dead, 'close')
    mkdirSync(join(root, '.cache'))
    write('.cache/install.lock', JSON.stringify({ pid: dead.pid, host: hostname() }))
    expect(await run('say.mjs')).toMatchObject({ code: 0, stdout: '[]\n' })
    expect(existsSync(join(root, '.cache/install.lock'))).toBe(false)
  })

  it('ends with a failure when npm fails, leaves no lock, and tries again next time', async () => {
    write('npm-fails', '')
    const failed = await run('say.mjs')
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('"npm ci" failed with exit code 7')
    rmSync(join(root, 'npm-fails'))
    expect((await run('say.mjs')).code).toBe(0)
  })

  it('says what is missing when there is no npm', async () => {
    rmSync(join(root, 'bin/npm'))
    const failed = await run('say.mjs')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('npm could not be started')
  })
})

describe('handing over', () => {
  it('passes the exit code on', async () => {
    write('seven.mjs', 'process.exit(7)')
    expect((await run('seven.mjs')).code).toBe(7)
  })

  it('passes signals on, and lets the script answer them', async () => {
    write(
      'wait.mjs',
      `process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1e6); console.log('up')`,
    )
    const child = await startAndWait('wait.mjs')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([9, null])
  })

  it('ends by the signal that ended the script', async () => {
    write('wait.mjs', `setInterval(() => {}, 1e6); console.log('up')`)
    const child = await startAndWait('wait.mjs')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
  })

  it('names a script that does not exist, and explains itself without one', async () => {
    expect(await run('none.mjs')).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no ') })
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining('usage: ') })
  })
})
