/**
 * The command line as its users have it: real processes on a real store.
 */
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Ended, type Running, Sandbox, type StartOptions } from './testdata/sandbox.ts'

let sandbox: Sandbox
let folder: string

beforeEach(() => {
  sandbox = new Sandbox('with a blank')
  folder = sandbox.folder
})
afterEach(() => sandbox.close())

const cli = (args: readonly string[], options?: StartOptions): Promise<Ended> => sandbox.run(args, options)
const ok = (args: readonly string[], options?: StartOptions): Promise<string> => sandbox.ok(args, options)

const ignored = /^SigIgn:.*(.)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
/** Where hangups are ignored (nohup) they are no signal to drain. */
const DRAINING: readonly NodeJS.Signals[] =
  (Number.parseInt(ignored ?? '0', 16) & 1) === 1 ? ['SIGTERM'] : ['SIGTERM', 'SIGHUP']

const jobs = async (...args: string[]): Promise<Record<string, unknown>[]> =>
  (await ok(['status', '--json', '--limit', '0', '--oldest', ...args]))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const states = async (...args: string[]): Promise<string[]> =>
  (await jobs(...args)).map(({ state }) => String(state))

const COMMANDS = [
  'submit',
  'xargs',
  'status',
  'output',
  'wait',
  'kill',
  'retry',
  'rm',
  'hold',
  'release',
  'repin',
  'pause',
  'resume',
  'worker',
  'run',
  'doctor',
]

describe('help and mistakes', () => {
  it('every command has help with examples, and none needs a store for it', async () => {
    const helps = await Promise.all(COMMANDS.map((name) => ok([name, '--help'])))
    for (const [index, help] of helps.entries()) {
      const examples = help.slice(help.indexOf('Examples:')).match(/^ {2}\S.*$/gm) ?? []
      expect({ name: COMMANDS[index], enough: examples.length >= 2 }).toEqual({
        name: COMMANDS[index],
        enough: true,
      })
    }
    expect(await ok(['--help'])).toContain('Runs work that must not be lost.')
    expect(await ok(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(existsSync(join(folder, 'store.db'))).toBe(false)
  })

  it('mistakes have exit codes, and say what was expected on standard error', async () => {
    const wrong: [string[], number][] = [
      [['nonsense'], 64],
      [['submit', '--nonsense'], 64],
      [['submit'], 64],
      [['submit', '--priority', 'high', 'true'], 64],
      [['submit', '--delay', 'soon', 'true'], 64],
      [['submit', '--stdin', 'missing', 'true'], 66],
      [['--url', 'postgres://u:secret@h/d', 'submit', 'true'], 64],
      [['kill'], 64],
      [['kill', '7', '--queue', 'x'], 64],
      [['status', '1'], 66],
      [['status', '--state', 'done'], 64],
      [['run', 'missing.ts'], 66],
    ]
    for (const [args, code] of wrong) {
      const ended = await cli(args)
      expect({ args, code: ended.code, stdout: ended.stdout }).toEqual({ args, code, stdout: '' })
      expect(ended.stderr).not.toContain('secret')
      expect(ended.stderr).not.toMatch(/\n\s+at /)
    }
    const { stderr } = await cli(['--json', 'kill', 'x'])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'INVALID_OPTION' } })
  })

  it('unknown jobs are told apart from gaps in a range', async () => {
    await ok(['submit', '--hold', 'true'])
    expect((await cli(['kill', '5'])).code).toBe(66)
    expect((await cli(['kill', '5-9'])).code).toBe(0)
    expect((await cli(['wait', '5'])).code).toBe(66)
    expect((await cli(['wait', '5-9'])).code).toBe(0)
  })
})

describe('submit', () => {
  it('works with no set-up, in a folder for this user alone', async () => {
    const env = { PERDURE_URL: '', XDG_DATA_HOME: join(folder, 'data') }
    const { code, stdout, stderr } = await cli(['submit', 'true'], { env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1\n' })
    expect(stderr).toBe('No worker is running. Start one with `perdure worker`.\n')
    expect(statSync(join(folder, 'data', 'perdure')).mode & 0o777).toBe(0o700)
    expect(await ok(['--quiet', 'submit', 'true'], { env })).toBe('2\n')
  })

  it('keeps the command, its folder, environment, umask and input until a worker runs it', async () => {
    writeFileSync(join(folder, 'in.txt'), 'from a file')
    const script = 'umask; pwd; echo "$COLOR $1"; cat; touch made; stat -c %a made'
    await ok(['submit', '--script', script, '--stdin', 'in.txt', 'word'], { env: { COLOR: 'dark red' } })
    await ok(['submit', '--stdin', '-', '--env', 'A=b', '--env-clear', '--', '/usr/bin/env'], {
      input: 'unread',
    })
    await ok(['worker', '--until-empty'], { cwd: '/', env: { COLOR: 'blue' } })
    const written = await ok(['output', '1'])
    expect(written).toContain(`${folder}\ndark red word\nfrom a file`)
    const umask = written.split('\n')[0] ?? ''
    const mode = (0o666 & ~Number.parseInt(umask, 8)).toString(8)
    expect(written.trimEnd().endsWith(mode)).toBe(true)
    const variables = (await ok(['output', '2']))
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('PERDURE_'))
    // the last one is from Node itself, while coverage is measured
    expect(variables.filter((line) => !/^(PWD|SHLVL|_|NODE_V8_COVERAGE)=/.test(line))).toEqual(['A=b'])
    expect(await states()).toEqual(['succeeded', 'succeeded'])
  })

  it('--wait runs it, passes its output on and ends as it does', async () => {
    const ended = await cli(['submit', '--wait', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'])
    expect(ended).toMatchObject({ code: 3, stdout: 'out\n' })
    expect(ended.stderr).toContain('err\n')
    expect((await cli(['submit', '--wait', 'no-such-command'])).code).toBe(126)
    expect((await cli(['submit', '--wait', '--timeout', '100ms', 'sleep', '30'])).code).toBe(124)
  })

  it('--key submits once', async () => {
    expect(await ok(['submit', '--key', 'k', 'true'])).toBe('1\n')
    const again = await cli(['submit', '--key', 'k', 'true'])
    expect(again).toMatchObject({ code: 0, stdout: '1\n' })
    expect(again.stderr).toContain('nothing was submitted')
    expect(await jobs()).toHaveLength(1)
  })

  it('dependencies, metadata, priorities and delays reach the store', async () => {
    await ok(['submit', '--hold', '--name', 'first', 'true'])
    await ok(['submit', '--after', '1:run', '--meta', 'batch=7', '--priority', '-5', 'true'])
    await ok(['submit', '--delay', '1h', '--queue', 'later', '--limit', 'api=2', 'true'])
    expect(await jobs()).toMatchObject([
      { id: 1, state: 'held', metadata: { name: 'first' } },
      { id: 2, state: 'blocked', metadata: { batch: '7' }, priority: -5, pendingDependencies: 1 },
      { id: 3, state: 'scheduled', queue: 'later', limits: ['api'] },
    ])
    expect((await jobs('--meta', 'batch=7')).map(({ id }) => id)).toEqual([2])
    expect((await jobs('--meta', 'name=fi*')).map(({ id }) => id)).toEqual([1])
    const table = await ok(['status'])
    expect(table).toMatch(/^QUEUE\s+BLOCKED\s+SCHEDULED\s+HELD\ndefault\s+1\s+-\s+1\nlater\s+-\s+1\s+-\n/)
    expect(table).toContain('after 1 job')
  })

  it('by many at once gives each an id of its own', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => ok(['submit', 'true'])))
    expect([...new Set(ids)]).toHaveLength(8)
    expect(await jobs()).toHaveLength(8)
  })
})

describe('xargs', () => {
  it('runs all items by itself and passes their output on', async () => {
    const list = 'a "b c"\nd\\ e\n'
    const { code, stdout } = await cli(['xargs', '-n', '1', '-P', '3', '--', 'echo', 'item'], { input: list })
    expect(code).toBe(0)
    expect(stdout.split('\n').sort()).toEqual(['', 'item a', 'item b c', 'item d e'])
    expect(await states()).toEqual(['succeeded', 'succeeded', 'succeeded'])
    expect(await ok(['xargs', 'echo'], { input: list })).toBe('a b c d e\n')
    expect(await ok(['xargs', '-0', '-I', '{}', 'echo', '<{}>'], { input: 'x y\0z' })).toBe('<x y>\n<z>\n')
    expect(await ok(['xargs', 'echo'], { input: '' })).toBe('')
  })

  it('ends with 123 when some failed, and the rest ran', async () => {
    const ended = await cli(['xargs', '-P', '2', '-I', '{}', 'sh', '-c', 'echo {}; test {} != 2'], {
      input: '1\n2\n3\n',
    })
    expect(ended.code).toBe(123)
    expect(ended.stdout.split('\n').sort()).toEqual(['', '1', '2', '3'])
    expect(ended.stderr).toContain('1 of 3 failed')
  })

  it('never runs more than -P at once', async () => {
    const script = 'echo start; sleep 0.2; echo end'
    const { stdout } = await cli(['xargs', '-P', '2', '-I', '{}', 'sh', '-c', script], {
      input: '1\n2\n3\n4\n5\n',
    })
    let running = 0
    const most = stdout.split('\n').reduce((peak, line) => {
      running += line === 'start' ? 1 : line === 'end' ? -1 : 0
      return Math.max(peak, running)
    }, 0)
    expect(most).toBe(2)
  })

  it('--detach leaves the work to workers', async () => {
    expect(await ok(['xargs', '--detach', '-n', '1', 'true'], { input: 'a b c' })).toBe('1\n2\n3\n')
    expect(await states()).toEqual(['ready', 'ready', 'ready'])
    await ok(['worker', '--until-empty', '-j', '2'])
    expect(await states()).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  it('that is interrupted leaves the rest in its queue, and a worker carries on', async () => {
    const running = sandbox.start(['xargs', '-n', '1', 'sh', '-c', 'echo "$0" >&2; test -e go || sleep 60'], {
      input: 'a b c',
    })
    await running.says('a\n')
    running.child.kill('SIGINT')
    const { code, stderr } = await running.ended
    expect(code).toBe(130)
    const queue = /worker --until-empty (\S+)`/.exec(stderr)?.[1] ?? ''
    expect(await states('--queue', queue)).toEqual(['ready', 'ready', 'ready'])
    writeFileSync(join(folder, 'go'), '')
    await ok(['worker', '--until-empty', queue])
    expect(await states('--queue', queue)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  it('refuses input that it cannot read', async () => {
    expect((await cli(['xargs', 'echo'], { input: 'it"s' })).code).toBe(65)
    expect((await cli(['xargs', '-a', 'missing', 'echo'])).code).toBe(66)
    expect((await cli(['xargs', '-d', 'ab', 'echo'])).code).toBe(64)
  })
})

describe('with a worker that owns the store', () => {
  let worker: Running

  beforeEach(async () => {
    worker = sandbox.start(['worker', '-j', '2'])
    await worker.says('Working on default')
  })

  it('other commands reach it over its socket', async () => {
    expect(statSync(join(folder, 'store.db.sock')).mode & 0o777).toBe(0o600)
    const { stdout, stderr } = await cli(['submit', 'echo', 'hello'])
    expect({ stdout, stderr }).toEqual({ stdout: '1\n', stderr: '' })
    expect(await ok(['wait', '1'])).toBe('1\tsucceeded\n')
    expect(await ok(['output', '1'])).toBe('hello\n')
    expect(await ok(['submit', '--wait', 'echo', 'waited'])).toBe('waited\n')
    expect(await ok(['xargs', '-n', '1', 'echo'], { input: 'x y' })).toBe('x\ny\n')
    const doctor = JSON.parse(await ok(['doctor', '--json']))
    expect(doctor).toMatchObject({ problems: [], facts: { owner: expect.stringContaining('store.db.sock') } })
    worker.child.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
    expect(existsSync(join(folder, 'store.db.sock'))).toBe(false)
  })

  it('running jobs are killed, and the wait for them says so', async () => {
    await ok(['submit', 'sleep', '60'])
    const follow = sandbox.start(['output', '-f', '1'])
    const wait = sandbox.start(['wait', '1'])
    while ((await states())[0] !== 'running');
    expect(await ok(['kill', '1'])).toMatch(/^1\t(running, asked to stop|cancelled)\n$/)
    expect((await wait.ended).code).toBe(130)
    expect((await follow.ended).code).toBe(0)
  })

  it('one that is killed is replaced by another, and nothing is lost', async () => {
    const second = sandbox.start(['worker', '-j', '2'])
    await second.says('Working on default')
    await ok(['xargs', '--detach', '-n', '1', 'sh', '-c', 'sleep 0.2; echo "$0" >> done'], {
      input: '1 2 3 4 5 6 7 8',
    })
    worker.child.kill('SIGKILL')
    await worker.ended
    await ok(['wait', '1-8'], {})
    const lines = readFileSync(join(folder, 'done'), 'utf8').trim().split('\n').map(Number)
    expect([...new Set(lines)].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(await states()).toEqual(Array(8).fill('succeeded'))
    second.child.kill('SIGTERM')
    expect((await second.ended).code).toBe(0)
  })

  it.each(DRAINING)('drains at the first %s', async (signal) => {
    await ok(['submit', 'sh', '-c', 'echo began; sleep 1; echo ended'])
    const follow = sandbox.start(['output', '-f', '1'])
    await follow.prints(/began/)
    expect(await worker.end(signal)).toBe(0)
    expect(await states()).toEqual(['succeeded'])
    expect(await ok(['output', '1'])).toBe('began\nended\n')
  })
})

describe('control', () => {
  it('hold, release, kill, retry and rm, on ids and on filters', async () => {
    await ok(['submit', 'true'])
    await ok(['submit', '--after', '1', 'true'])
    await ok(['submit', '--after', '2', 'true'])
    expect(await ok(['hold', '1'])).toBe('1\theld\n')
    expect(await ok(['release', '--state', 'held'])).toBe('1\tready\n')
    expect(await ok(['kill', '-r', '1'])).toBe('3\tcancelled\n2\tcancelled\n1\tcancelled\n')
    expect(await states()).toEqual(['cancelled', 'cancelled', 'cancelled'])
    await ok(['retry', '1'])
    await ok(['worker', '--until-empty'])
    expect((await states())[0]).toBe('succeeded')
    expect((await cli(['retry', '1'])).code).toBe(69)
    expect(await ok(['rm', '--state', 'ended'])).toBe('1\tdeleted\n2\tdeleted\n3\tdeleted\n')
    expect(await jobs()).toEqual([])
  })

  it('repin moves what waits to workers of another version, and back', async () => {
    await ok(['submit', 'true'])
    expect(await ok(['repin', '1', '--to', '8'])).toBe('1\t8\n')
    expect(await ok(['repin', '--state', 'live', '--to-any'])).toBe('1\tany\n')
    expect(await ok(['repin', '1', '--to-any'])).toBe('1\tany already\n')
    for (const options of [[], ['--to', '8', '--to-any'], ['--to', 'a b']]) {
      expect((await cli(['repin', '1', ...options])).code).toBe(64)
    }
    await ok(['worker', '--until-empty'])
    expect(await states()).toEqual(['succeeded'])
  })

  it('paused queues hand nothing out', async () => {
    await ok(['submit', 'true'])
    expect(await ok(['pause', 'default'])).toBe('default\tpaused\n')
    expect(await ok(['status', '--queues'])).toContain('default (paused)')
    expect(await ok(['resume', 'default'])).toBe('default\tresumed\n')
    await ok(['worker', '--until-empty'])
    expect(await states()).toEqual(['succeeded'])
  })

  it('wait tells how it went, and gives up in time', async () => {
    await ok(['submit', '--hold', 'true'])
    expect((await cli(['wait', '1', '--timeout', '200ms'])).code).toBe(124)
    await ok(['submit', '--script', 'exit 5'])
    await ok(['submit', 'true'])
    await ok(['worker', '--until-empty'])
    expect((await cli(['wait', '2'])).code).toBe(5)
    expect((await cli(['wait', '2,3'])).code).toBe(1)
    expect((await cli(['wait', '3'])).code).toBe(0)
  })
})

describe('output', () => {
  it('keeps the two streams apart, and bytes as they are where no person looks', async () => {
    await ok(['submit', '--script', `printf '\\033[31mred\\033[0m\\n'; echo warning >&2`])
    await ok(['worker', '--until-empty'])
    const { stdout, stderr } = await cli(['output', '1'])
    expect({ stdout, stderr }).toEqual({ stdout: '\x1b[31mred\x1b[0m\n', stderr: 'warning\n' })
    expect(await cli(['output', '--stderr', '1'])).toMatchObject({ stdout: 'warning\n', stderr: '' })
    expect(await cli(['output', '--stdout', '1'])).toMatchObject({ stderr: '' })
    const entries = (await ok(['output', '--json', '1']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(entries.map(({ stream }) => stream).sort()).toEqual(['stderr', 'stdout'])
  })

  it('a reader that goes away ends a command quietly', async () => {
    await ok(['xargs', '--detach', '-n', '1', 'echo'], {
      input: Array.from({ length: 5_000 }, (_, index) => index).join(' '),
    })
    const running = sandbox.start(['status', '--json', '--limit', '0'])
    await once(running.child.stdout as NodeJS.ReadableStream, 'data')
    running.child.stdout?.destroy()
    expect(await running.ended).toMatchObject({ code: 141, stderr: '' })
  })
})

describe('run', () => {
  it('works on the definitions of a module', async () => {
    const index = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
    const module = join(folder, 'jobs.ts')
    writeFileSync(
      module,
      `import { job } from ${JSON.stringify(index)}
export const double = job('double', { run: async (input: { n: number }) => input.n * 2 })
export const notAJob = 42
`,
    )
    const enqueue = `import { open } from ${JSON.stringify(index)}
import { double } from './jobs.ts'
const app = await open(process.env.PERDURE_URL)
await app.enqueue(double, { n: 21 })
await app.close()
`
    writeFileSync(join(folder, 'enqueue.ts'), enqueue)
    expect((await sandbox.node([join(folder, 'enqueue.ts')]).ended).code).toBe(0)
    await ok(['run', 'jobs.ts', '--until-empty'])
    expect(await jobs()).toMatchObject([{ kind: 'double', state: 'succeeded', result: 42 }])
    writeFileSync(module, 'export const nothing = 1')
    expect((await cli(['run', 'jobs.ts'])).code).toBe(65)
    writeFileSync(module, 'export const = 1')
    expect((await cli(['run', 'jobs.ts'])).code).toBe(65)
  })
})

describe('doctor', () => {
  it('finds a store that is not one, and leaves it as it is', async () => {
    const file = join(folder, 'store.db')
    writeFileSync(file, 'my diary\n'.repeat(1_000))
    chmodSync(file, 0o600)
    const { code, stderr } = await cli(['doctor'])
    expect(code).toBe(65)
    expect(stderr).toContain('store.db')
    expect(readFileSync(file, 'utf8')).toBe('my diary\n'.repeat(1_000))
  })

  it('finds nothing wrong with a good one', async () => {
    await ok(['submit', 'true'])
    const { code, stdout } = await cli(['doctor'])
    expect(stdout).toContain('No problems found.')
    expect(code).toBe(0)
  })
})
