import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Outcome } from '../../core/model/outcome.ts'
import type { CommandContext } from '../../core/model/profile.ts'
import { executorSuite, start } from '../executor.suite.ts'
import { createShellExecutor, type ShellExecutor, type ShellOptions } from './shell.ts'

const shell = (input: unknown) => ({ kind: 'shell', input })
const LIMITS = { first: 50_000, last: 10_000 }

executorSuite('shell', {
  create: () => createShellExecutor({ output: { first: 400_000, last: 10_000 } }),
  succeed: shell({ argv: ['true'] }),
  fail: { ...shell({ script: 'exit 3' }), code: 'EXIT_CODE' },
  wait: shell({ script: 'echo started; exec sleep 300' }),
  ignore: shell({ script: 'trap "" TERM; echo started; while :; do sleep 0.05; done' }),
  print: (text) => shell({ argv: ['cat'], stdin: { text } }),
  flood: { work: (characters) => shell({ script: `yes | head -c ${characters}` }), most: 410_000 },
  broken: [
    shell(null),
    shell('true'),
    shell({}),
    shell({ argv: [] }),
    shell({ argv: [''] }),
    shell({ argv: 'true' }),
    shell({ argv: ['true', 1] }),
    shell({ argv: ['true', 'nul\0'] }),
    shell({ argv: ['true'], script: 'true' }),
    shell({ argv: ['true'], shell: '/bin/sh' }),
    shell({ script: 'true', args: 'x' }),
    shell({ argv: ['true'], unknown: 1 }),
    shell({ argv: ['true'], stdin: 'text' }),
    shell({ argv: ['true'], stdin: { text: 'a', file: 'b' } }),
    shell({ argv: ['true'], stdout: { file: '' } }),
    shell({ argv: ['true'], stdout: { file: 'a', append: 1 } }),
    shell({ argv: ['true'], env: { 'A=B': 'c' } }),
    shell({ argv: ['true'], env: { A: 1 } }),
    shell({ argv: ['true'], umask: '8' }),
    shell({ argv: ['true'], cwd: 5 }),
  ],
})

let folder: string
let executor: ShellExecutor
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'perdure shell ')))
  executor = createShellExecutor({ storeId: 'test', output: LIMITS })
})
afterAll(async () => {
  await executor.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs one command to its end. */
async function run(input: unknown, command?: CommandContext, on = executor) {
  const { attempt, control, done } = start(on, shell(input), command === undefined ? {} : { command })
  const outcome: Outcome = await done
  return {
    outcome,
    attempt,
    out: control.text('stdout'),
    err: control.text('stderr'),
    log: control.text('log'),
  }
}

/** Runs one with executor options of its own. */
async function runWith(options: ShellOptions, input: unknown, command?: CommandContext) {
  const own = createShellExecutor(options)
  try {
    return await run(input, command, own)
  } finally {
    await own.close()
  }
}

const variables = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\0')
      .filter(Boolean)
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  )

describe('a command', () => {
  it('gets its arguments as they are', async () => {
    const args = ['a b', '', '$HOME', '"', "'", '*', 'ü\n', '-n']
    const { out } = await run({ argv: ['printf', '%s|', ...args] })
    expect(out).toBe(`${args.join('|')}|`)
  })

  it('as a script gets its arguments, and the shell that was asked for', async () => {
    expect((await run({ script: 'echo "$0,$1,$2,$#"', args: ['one two', '3'] })).out).toBe(
      '/bin/sh,one two,3,2\n',
    )
    expect((await run({ script: 'print 1 + 1', shell: 'perl' })).outcome.type).toBe('failed')
    expect((await run({ script: 'echo $0', shell: '/bin/bash' })).out).toBe('/bin/bash\n')
  })

  it('has its exit code and its time as the result', async () => {
    expect((await run({ argv: ['true'] })).outcome).toEqual({
      type: 'succeeded',
      result: { exitCode: 0, signal: null, durationMs: expect.any(Number) },
    })
    expect((await run({ script: 'exit 3' })).outcome).toMatchObject({
      type: 'failed',
      error: { code: 'EXIT_CODE', data: { exitCode: 3, signal: null } },
      result: { exitCode: 3, signal: null },
    })
    expect((await run({ script: 'kill -USR1 $$' })).outcome).toMatchObject({
      error: { code: 'EXIT_CODE', data: { exitCode: null, signal: 'SIGUSR1' } },
      result: { exitCode: null, signal: 'SIGUSR1' },
    })
  })

  it('can open its streams by their paths', async () => {
    const { out, err } = await run({
      script: 'cat /dev/stdin; echo 1 > /dev/stdout; echo 2 > /dev/stderr',
      stdin: { text: '0' },
    })
    expect([out, err]).toEqual(['01\n', '2\n'])
  })

  it('runs in the folder of its input, of its submission, or of the worker', async () => {
    mkdirSync(join(folder, 'sub'))
    expect((await run({ argv: ['pwd'] })).out.trim()).toBe(process.cwd())
    expect((await run({ argv: ['pwd'] }, { cwd: folder })).out.trim()).toBe(folder)
    expect((await run({ argv: ['pwd'], cwd: 'sub' }, { cwd: folder })).out.trim()).toBe(join(folder, 'sub'))
    expect((await run({ argv: ['pwd'], cwd: '/' }, { cwd: folder })).out.trim()).toBe('/')
    // a command named by a relative path is one of that folder
    writeFileSync(join(folder, 'sub/own'), '#!/bin/sh\necho own', { mode: 0o755 })
    expect((await run({ argv: ['./own'], cwd: 'sub' }, { cwd: folder })).out).toBe('own\n')
  })
})

describe('the environment', () => {
  // while coverage is measured, Node itself hands this one to every child
  beforeEach(() => void vi.stubEnv('NODE_V8_COVERAGE', undefined))
  afterEach(() => void vi.unstubAllEnvs())

  it('is that of the submission and the marks of the attempt, nothing else', async () => {
    const env = {
      PATH: process.env.PATH ?? '',
      A: 'b=c\n\'"',
      EMPTY: '',
      LD_NOTHING: '1',
      http_proxy: 'p',
      PERDURE_JOB: 'fake',
      PERDURE_STORE: 'fake',
    }
    const { out, attempt } = await run({ argv: ['env', '-0'] }, { env })
    expect(variables(out)).toEqual({
      ...env,
      PERDURE_JOB: String(attempt.job),
      PERDURE_ATTEMPT: '1',
      PERDURE_TOKEN: attempt.token,
      PERDURE_OWNER: expect.stringMatching(new RegExp(`^${process.pid}\\.\\d+$`)),
      PERDURE_STORE: 'test',
    })
  })

  it('is a few variables of the worker when the submission has none', async () => {
    const workerEnv = {
      PATH: process.env.PATH,
      HOME: '/h',
      LC_ALL: 'C',
      LANG: 'C',
      DATABASE_URL: 'secret',
      LD_X: '1',
      PERDURE_STORE: 'other',
    }
    const { out } = await runWith({ workerEnv }, { argv: ['env', '-0'] })
    const { PERDURE_JOB, PERDURE_ATTEMPT, PERDURE_TOKEN, PERDURE_OWNER, ...rest } = variables(out)
    expect([PERDURE_JOB, PERDURE_ATTEMPT, PERDURE_TOKEN, PERDURE_OWNER].every(Boolean)).toBe(true)
    expect(rest).toEqual({ PATH: process.env.PATH, HOME: '/h', LC_ALL: 'C', LANG: 'C' })
  })

  it('takes variables of the input, but none that turns a command into another', async () => {
    const input = {
      argv: ['env', '-0'],
      env: {
        B: '2',
        A: 'x',
        LD_PRELOAD: '/x',
        NODE_OPTIONS: '-r x',
        HTTPS_PROXY: 'p',
        PERDURE_TOKEN: 'fake',
      },
    }
    const context = { env: { PATH: process.env.PATH ?? '', A: '1' } }
    const { out, log, attempt } = await run(input, context)
    const { PERDURE_TOKEN, ...seen } = variables(out)
    expect(PERDURE_TOKEN).toBe(attempt.token)
    expect(seen).toMatchObject({ A: 'x', B: '2' })
    expect(seen).not.toHaveProperty('LD_PRELOAD')
    expect(out).not.toMatch(/NODE_OPTIONS|PROXY|fake/)
    expect(log).toContain('LD_PRELOAD, NODE_OPTIONS, HTTPS_PROXY, PERDURE_TOKEN')
    const kept = await runWith({ keepUnsafeEnv: true }, { ...input, env: { HTTPS_PROXY: 'p' } }, context)
    expect(variables(kept.out)).toMatchObject({ HTTPS_PROXY: 'p' })
  })

  it('survives the set-up of a umask as it is', async () => {
    const env = {
      PATH: process.env.PATH ?? '',
      A: "it's\n$(true) `true` \\",
      out: 'a name of the set-up',
      UID: '7',
      IFS: 'x',
    }
    const { out } = await run({ argv: ['env', '-0'], umask: '027' }, { env })
    const { UID: _, ...kept } = env
    expect(variables(out)).toMatchObject(kept)
    expect(
      Object.keys(variables(out))
        .filter((name) => !name.startsWith('PERDURE_'))
        .sort(),
    ).toEqual(Object.keys(kept).sort())
  })
})

describe('streams', () => {
  it('reads stdin from a value, from a file, or finds it empty', async () => {
    writeFileSync(join(folder, 'in'), 'from a file')
    expect((await run({ argv: ['cat'], stdin: { text: 'grüße 🙂' } })).out).toBe('grüße 🙂')
    expect((await run({ argv: ['cat'], stdin: { file: 'in' } }, { cwd: folder })).out).toBe('from a file')
    expect((await run({ argv: ['cat'] })).out).toBe('')
    // nobody has to read it
    expect((await run({ argv: ['true'], stdin: { text: 'x'.repeat(1_000_000) } })).outcome.type).toBe(
      'succeeded',
    )
  })

  it.each([undefined, '077'])(
    'writes files instead of the log, anew or added, apart or together (umask %s)',
    async (umask) => {
      const path = join(folder, `out ${umask}`)
      const script = 'echo 1; echo 2 >&2; echo 3'
      const more = umask === undefined ? {} : { umask }
      const { out, err } = await run({ script, stdout: { file: path }, ...more })
      expect([out, err, readFileSync(path, 'utf8')]).toEqual(['', '2\n', '1\n3\n'])
      await run({ script, stdout: { file: path, append: true }, stderr: { file: path }, ...more })
      expect(readFileSync(path, 'utf8')).toBe('1\n3\n1\n2\n3\n')
      await run({ script, stderr: { file: path }, ...more })
      expect(readFileSync(path, 'utf8')).toBe('2\n')
      if (umask !== undefined) expect(statSync(path).mode & 0o777).toBe(0o600)
    },
  )

  it('keeps the beginning and the end of endless output, and lets the command go on', async () => {
    const { outcome, out, log } = await run({ script: 'seq 1 2000000; echo the end' })
    expect(outcome.type).toBe('succeeded')
    expect(out.startsWith('1\n2\n3\n')).toBe(true)
    expect(out.endsWith('1999999\n2000000\nthe end\n')).toBe(true)
    expect(out.length).toBe(LIMITS.first + LIMITS.last)
    // what is left out and what is kept add up to what was printed
    const leftOut = Number(/(\d+) characters of output were left out/.exec(log)?.[1])
    expect(leftOut + out.length).toBe(14_888_896 + 'the end\n'.length)
  })

  it('does not grow while a command prints for ever', async () => {
    const { control, done } = start(executor, shell({ argv: ['yes', 'x'.repeat(1000)] }))
    await control.printed('output end here')
    const before = process.memoryUsage()
    // long enough for gigabytes
    await new Promise((resolve) => setTimeout(resolve, 500))
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    expect(arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(64_000_000)
    control.graceMs = 0
    control.stop('cancel')
    expect((await done).type).toBe('cancelled')
  })
})

describe('a command that cannot be started', () => {
  const failed = async (input: unknown, command?: CommandContext) => {
    const { outcome } = await run(input, command)
    expect(outcome).toMatchObject({ type: 'failed', retry: false, error: { code: 'SPAWN_FAILED' } })
    return outcome.type === 'failed' ? outcome.error.message : ''
  }

  it('says what is missing', async () => {
    writeFileSync(join(folder, 'plain'), 'text')
    writeFileSync(join(folder, 'no interpreter'), '#!/no/such/thing\n', { mode: 0o755 })
    execFileSync('mkfifo', [join(folder, 'fifo')])
    const context = { cwd: folder }
    const cases: [unknown, RegExp][] = [
      [{ argv: ['no-such-command'] }, /the command "no-such-command"; found no "no-such-command" in .*bin/],
      [{ argv: ['/no/such'] }, /found no \/no\/such/],
      [{ argv: ['./plain'] }, /plain, which may not be executed/],
      [{ argv: ['./no interpreter'] }, /found no \/no\/such\/thing/],
      [{ argv: ['/tmp'] }, /\/tmp, which is a folder/],
      [{ argv: ['true'], cwd: 'nowhere' }, /found no .*nowhere/],
      [{ argv: ['true'], cwd: 'plain' }, /plain, which is no folder/],
      [{ argv: ['cat'], stdin: { file: 'nothing' } }, /found no .*nothing/],
      [{ argv: ['cat'], stdin: { file: 'fifo' } }, /FIFO/],
      [{ argv: ['true'], stdout: { file: 'nowhere/file' } }, /found no .*nowhere\/file/],
      [{ argv: ['true'], stderr: { file: '.' } }, /which is a folder/],
      [{ argv: ['echo', 'x'.repeat(3_000_000)] }, /limit of the system/],
    ]
    for (const [input, message] of cases)
      expect(await failed(input, context), JSON.stringify(input).slice(0, 80)).toMatch(message)
  })

  it('says the same when a set-up is needed', async () => {
    const context = { cwd: folder }
    const umask = '022'
    expect(await failed({ argv: ['no-such-command'], umask }, context)).toMatch(/found no "no-such-command"/)
    expect(await failed({ argv: ['true'], cwd: 'nowhere', umask }, context)).toMatch(
      /may enter; found .*nowhere/,
    )
    expect(await failed({ argv: ['true'], stdin: { file: 'nothing' }, umask }, context)).toMatch(
      /stdin; found .*nothing/,
    )
    expect(await failed({ argv: ['true'], stdout: { file: 'nowhere/x' }, umask }, context)).toMatch(
      /may write; found .*nowhere/,
    )
  })

  it('leaves no descriptor open', async () => {
    const count = (): number =>
      Number(execFileSync('sh', ['-c', `ls /proc/${process.pid}/fd | wc -l`], { encoding: 'utf8' }))
    await run({ argv: ['no-such-command'] })
    const before = count()
    for (let index = 0; index < 20; index++) {
      await run({ argv: ['no-such-command'] })
      await run({ argv: ['true'], stdin: { text: 'x' }, stdout: { file: join(folder, 'o') } })
      await run({ argv: ['cat'], stdin: { file: '/no/such/file' } })
    }
    // a batch of pipes may have been made meanwhile
    expect(count() - before).toBeLessThanOrEqual(16)
  })
})
