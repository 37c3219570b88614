/** Commands as another user. Only root can show that; as anybody else the refusals are all there is to see. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { start } from '../executor.suite.ts'
import { createShellExecutor, type ShellExecutor } from './shell.ts'

const isRoot = process.getuid?.() === 0
let executor: ShellExecutor
let folder: string
beforeAll(() => {
  executor = createShellExecutor()
  folder = mkdtempSync(join(tmpdir(), 'perdure-users-'))
  chmodSync(folder, 0o777)
})
afterAll(async () => {
  await executor.close()
  rmSync(folder, { recursive: true, force: true })
})

async function run(input: Record<string, unknown>, command: Record<string, unknown>) {
  const { control, done } = start(executor, { kind: 'shell', input }, { command })
  return { outcome: await done, out: control.text('stdout'), err: control.text('stderr') }
}

const nobody = { user: 'nobody', cwd: '/' }
const id = (...args: string[]): string => execFileSync('id', args, { encoding: 'utf8' }).trim()

describe.runIf(isRoot)('as root (skipped for other users)', () => {
  it('runs as the user, with all its groups and no way to gain more', async () => {
    expect((await run({ argv: ['id'] }, nobody)).out.trim()).toBe(id('nobody'))
    const { out } = await run({ argv: ['cat', '/proc/self/status'] }, nobody)
    expect(out).toMatch(/NoNewPrivs:\s1/)
    for (const set of ['Inh', 'Prm', 'Eff', 'Amb']) expect(out).toMatch(new RegExp(`Cap${set}:\\s0+\\n`))
  })

  it('takes numbers, and a group besides', async () => {
    const uid = id('-u', 'nobody')
    expect((await run({ argv: ['id', '-un'] }, { user: uid, cwd: '/' })).out).toBe('nobody\n')
    expect((await run({ argv: ['id', '-g'] }, { ...nobody, group: '12345' })).out).toBe('12345\n')
    expect((await run({ argv: ['id', '-gn'] }, { ...nobody, group: 'daemon' })).out).toBe('daemon\n')
    const bare = await run({ script: 'id -u; id -G' }, { user: '54321', group: '54322', cwd: '/' })
    expect(bare.out).toBe('54321\n54322\n')
    expect((await run({ script: 'id -u; id -G' }, { group: 'daemon', cwd: '/' })).out).toBe('0\n1\n')
  })

  it('gives the submitted environment to the command only, not to a program with root rights', async () => {
    const trap = join(folder, 'trap.sh')
    writeFileSync(trap, `id -u >> ${folder}/seen\n`)
    // a shell that obeyed it as root would write 0
    const env = { PATH: '/usr/bin:/bin', ENV: trap, BASH_ENV: trap, LD_DEBUG: 'libs', A: "it's" }
    const { out, err } = await run({ argv: ['env'] }, { ...nobody, env })
    expect(out).toContain("A=it's\n")
    // the loader reports for one program: the command itself
    expect(new Set(err.match(/(?<=initialize program: ).*/g))).toEqual(new Set(['/usr/bin/env']))
    expect(() => statSync(join(folder, 'seen'))).toThrow('ENOENT')
  })

  it('has the home of the user when the submission brought no environment', async () => {
    const { out } = await run({ script: 'echo $HOME $USER $LOGNAME' }, nobody)
    expect(out).toBe('/nonexistent nobody nobody\n')
  })

  it('opens files as the user, never as root', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'for root', { mode: 0o600 })
    for (const input of [
      { argv: ['cat'], stdin: { file: secret } },
      { argv: ['id'], stdout: { file: secret } },
      { argv: ['id'], stderr: { file: secret } },
    ]) {
      expect((await run(input, nobody)).outcome).toMatchObject({
        type: 'failed',
        retry: false,
        error: { code: 'SPAWN_FAILED' },
      })
    }
    expect(readFileSync(secret, 'utf8')).toBe('for root')
    const own = join(folder, 'own')
    expect(
      (await run({ argv: ['id', '-un'], stdout: { file: own }, umask: '077' }, nobody)).outcome.type,
    ).toBe('succeeded')
    expect([readFileSync(own, 'utf8'), statSync(own).uid, statSync(own).mode & 0o777]).toEqual([
      'nobody\n',
      Number(id('-u', 'nobody')),
      0o600,
    ])
  })

  it('can read values from stdin and open its streams by their paths', async () => {
    const { out, err } = await run(
      { script: 'cat; echo 1 > /dev/stdout; echo 2 > /dev/stderr', stdin: { text: '0' } },
      nobody,
    )
    expect([out, err]).toEqual(['01\n', '2\n'])
  })

  it('refuses a folder or a command that the user may not use', async () => {
    chmodSync(folder, 0o711)
    const hidden = mkdtempSync(join(folder, 'hidden-'))
    expect((await run({ argv: ['true'], cwd: hidden }, nobody)).outcome).toMatchObject({
      error: { message: expect.stringMatching(/user nobody may enter/) },
    })
    const tool = join(hidden, 'tool')
    writeFileSync(tool, '#!/bin/sh\n', { mode: 0o755 })
    expect((await run({ argv: [tool] }, nobody)).outcome).toMatchObject({
      error: { message: expect.stringMatching(/user nobody may execute/) },
    })
    chmodSync(folder, 0o777)
  })

  it('kills what it started as another user', async () => {
    const { control, done } = start(
      executor,
      { kind: 'shell', input: { script: 'trap "" TERM; echo started; while :; do sleep 0.02; done' } },
      { command: nobody },
    )
    await control.printed('started')
    control.graceMs = 50
    control.stop('timeout')
    expect(await done).toMatchObject({ error: { code: 'TIMEOUT' }, result: { signal: 'SIGKILL' } })
  })
})

describe('users', () => {
  it.each([
    { user: 'no-such-user' },
    { user: '54321' },
    { user: '--help' },
    { user: '' },
    { group: 'no-such-group' },
  ])('refuses %o', async (command) => {
    expect((await run({ argv: ['true'] }, command)).outcome).toMatchObject({
      type: 'failed',
      retry: false,
      error: { code: 'SPAWN_FAILED' },
    })
  })

  it('needs no rights for the user that the worker is', async () => {
    const { out } = await run({ argv: ['id', '-u'] }, { user: id('-un') })
    expect(out.trim()).toBe(id('-u'))
  })

  it.skipIf(isRoot)('refuses another user when the worker is not root', async () => {
    expect((await run({ argv: ['true'] }, { user: 'root' })).outcome).toMatchObject({
      type: 'failed',
      retry: false,
      error: { code: 'DENIED' },
    })
  })
})
