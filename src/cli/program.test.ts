/** The edges of commands: what they refuse, what a person sees, and what a program reads. In this process, on a real store. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openServed } from '../server/embedded.ts'
import { runHere } from './testdata/terminal.ts'

let folder: string
let file: string
let env: NodeJS.ProcessEnv

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-cli-'))
  file = join(folder, 'store.db')
  env = { PATH: process.env.PATH, HOME: folder, PERDURE_URL: `sqlite:${file}` }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const perdure = (...words: string[]) => runHere(words, env)
const onTerminal = (...words: string[]) => runHere(words, env, true)
/** Runs commands of which each must go well; the output of the last one. */
async function ok(...lines: string[][]): Promise<string> {
  let last = ''
  for (const words of lines) {
    const { code, stdout, stderr } = await perdure(...words)
    expect({ words, code, stderr }).toMatchObject({ words, code: 0 })
    last = stdout
  }
  return last
}
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe('help', () => {
  it('of a command begins with its own options, however it is asked for', async () => {
    const help = await ok(['kill', '--help'])
    expect(help.indexOf('--grace')).toBeLessThan(help.indexOf('--url'))
    expect(await ok(['help', 'kill'])).toBe(help)
    expect(await ok(['help', 'cancel'])).toBe(help)
    expect(await perdure('help', 'kil')).toMatchObject({ code: 64, stderr: expect.stringContaining('kill') })
  })
})

describe('a mistake', () => {
  it.each([
    [['nonsense'], 64, 'unknown command'],
    [['kil'], 64, 'Did you mean kill?'],
    [['submit'], 64, 'found none. Write it behind the options'],
    [['submit', '--retyr', '3', 'true'], 64, 'Did you mean --retry? See `perdure submit --help`'],
    [['submit', '--delay'], 64, 'expected `perdure submit [options] [--] command [arguments...]`'],
    [['submit', '--delay', '5', 'true'], 64, "Say the unit, as in '5ms' or '5s'"],
    [['submit', '--limit', 'api=0', 'true'], 64, 'a key and a number, such as api=4'],
    [['submit', '--host', '[a', 'true'], 64, 'expected --host to be a pattern such as node*'],
    [['submit', '--network', '10.0.0.0/99', 'true'], 64, 'expected --network to be a network such as'],
    [['submit', '--memory', '4X', 'true'], 64, "such as '512KiB'"],
    [['submit', '--after', 'x', 'true'], 64, 'ids such as 12,13'],
    [['submit', '--queue', 'a b', 'true'], 64, 'INVALID_NAME'],
    [['submit', '--hold', '--delay', '1s', 'true'], 64, 'found both'],
    [['kill'], 64, 'found neither'],
    [['repin', '1'], 64, 'found neither'],
    [['repin', '1', '--to', '8', '--to-any'], 64, 'found both'],
    [['run'], 64, "missing required argument 'file'"],
    [['doctor', 'x'], 64, 'too many arguments'],
    [['enqueue', 'order', 'lamp'], 64, `A text needs quotes of its own: '"lamp"'`],
    [['status', '--state', 'succeded'], 64, 'Did you mean succeeded?'],
    [['status', '--url', './app.db'], 64, "Did you mean 'sqlite:./app.db'?"],
    [['status', '--url', 'unix:/nowhere/none.sock'], 75, 'UNAVAILABLE'],
    [['token', 'creat'], 64, "Did you mean 'create'? ["],
    [['status', 'twelve'], 64, 'INVALID_OPTION'],
    [['kill', '1', '--signal', 'NONE'], 64, 'INVALID_OPTION'],
    [['kill', '1', '--grace', 'long'], 64, 'INVALID_DURATION'],
    [['status', '--url', 'ftp://x'], 64, 'INVALID_URL'],
    [['status', '--url', 'unix:/nowhere/none.sock', '1'], 75, 'UNAVAILABLE'],
    [['status', '7'], 66, 'NOT_FOUND'],
    [['output', '7'], 66, 'NOT_FOUND'],
    [['config', 'shout'], 64, 'INVALID_OPTION'],
    [['config', 'check', 'missing.yaml'], 66, 'NOT_FOUND'],
    [['run', 'missing.ts'], 66, 'NOT_FOUND'],
    [['run', '/etc/hostname'], 65, 'to load as a module'],
  ] as const)('%j has an exit code and says what it is', async (words, code, text) => {
    const ran = await perdure(...words)
    expect({ ...ran, stdout: '' }).toMatchObject({ code })
    expect(ran.stderr).toContain(text)
  })

  it('is JSON for programs, and one line for people', async () => {
    const { stderr } = await perdure('status', '--json', '7')
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NOT_FOUND' } })
    const misspelled = await perdure('status', '--json', '--sate', 'live')
    expect(JSON.parse(misspelled.stderr)).toMatchObject({ error: { code: 'INVALID_OPTION' } })
    // behind -- it is a word of the command that is submitted
    const { stderr: text } = await perdure('submit', '--nope', '--', 'true', '--json')
    expect(text).toMatch(/^perdure: .+unknown option '--nope'.+ \[INVALID_OPTION\]\n$/)
    expect((await onTerminal('status', '7')).stderr).toMatch(/^perdure: .+ \[NOT_FOUND\]\n$/)
  })
})

describe('what a person sees', () => {
  it('fits the terminal, and obeys nobody', async () => {
    await ok(['submit', '--name', '\x1b[31mred'.repeat(9), '--', 'sh', '-c', 'printf "\\033[31mred"'])
    await ok(['worker', '--quiet', '--until-empty'])
    const { stdout } = await onTerminal('status')
    expect(stdout).not.toContain('\x1b')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
    expect((await onTerminal('output', '1')).stdout).toBe('red')
    expect((await onTerminal('output', '--raw', '1')).stdout).toBe('\x1b[31mred')
    expect((await perdure('output', '1')).stdout).toBe('\x1b[31mred')
  })

  it('is nothing where there is nothing, and no store is made for it', async () => {
    expect(await ok(['status'])).toBe('No jobs.\n')
    expect(await ok(['status', '--json'])).toBe('')
    expect(await ok(['submit', '--quiet', '--hold', 'true'], ['status', '--workers'])).toBe('No workers.\n')
    expect(await ok(['status', '--workers', '--json'])).toBe('')
  })
})

describe('doctor', () => {
  it('finds what others may read, and says it to people and programs', async () => {
    await ok(['submit', 'true'])
    chmodSync(file, 0o644)
    const { code, stdout } = await perdure('doctor')
    expect(code).toBe(65)
    expect(stdout).toContain('Problem: Others may read')
    const { facts, problems } = JSON.parse((await perdure('doctor', '--json', '--no-check-store')).stdout)
    expect(facts).toMatchObject({ file, existed: true })
    expect(problems).toHaveLength(1)
  })
})

describe('config', () => {
  it('checks a file, and the environment where there is none', async () => {
    expect((await perdure('config', 'check')).stderr).toContain('There is no file')
    const good = write('good.yaml', 'worker: { drain: 5s }\n')
    expect((await perdure('config', 'check', good)).stderr).toContain('has no mistakes')
    const bad = write('bad.yaml', 'worker: { drain: often }\n')
    const { code, stdout } = await perdure('config', 'check', '--json', bad)
    expect([code, JSON.parse(stdout).problems.length]).toEqual([78, 1])
    expect(await perdure('config', 'print', bad)).toMatchObject({ code: 78, stdout: '' })
  })

  it('prints every setting for programs', async () => {
    const lines = (await ok(['config', 'print', '--json'])).trim().split('\n')
    const settings = lines.map((line) => JSON.parse(line))
    expect(settings).toContainEqual(expect.objectContaining({ setting: 'node.port', value: 7400 }))
    expect((await ok(['config', 'print'])).split('\n').length).toBe(lines.length + 2)
  })
})

describe('a node', () => {
  it.each([
    ['node: { tls: { cert: a.pem } }\n', 64, 'found no key'],
    ['node: { tls: { key: a.pem } }\n', 64, 'found no certificate'],
    ['node: { tls: { cert: none.pem, key: none.pem } }\n', 66, 'node.tls.cert; found ENOENT'],
    [
      'node: { tls: { cert: a.pem, key: a.pem, clientCa: none.pem } }\n',
      66,
      'node.tls.clientCa; found ENOENT',
    ],
  ])('does not begin with %j', async (text, code, message) => {
    const pem = write('a.pem', 'no certificate')
    const config = write('perdure.yaml', text.replaceAll('a.pem', pem))
    const ran = await perdure('node', '--port', '0', '--config', config)
    expect(ran.stderr).toContain(message)
    expect(ran.code).toBe(code)
  })

  it('serves only a store that it owns', async () => {
    const owner = await openServed({ path: file })
    try {
      const ran = await perdure('node', '--port', '0')
      expect([ran.code, ran.stderr]).toEqual([73, expect.stringContaining('STORE_BUSY')])
    } finally {
      await owner.close()
    }
  })
})

describe('a command that waits for its own jobs', () => {
  it('works on a queue that others may know, where it owns the store', async () => {
    const { code, stdout } = await perdure(
      'submit',
      '--wait',
      '--queue',
      'mine',
      '--',
      'sh',
      '-c',
      'echo done; exit 4',
    )
    expect([code, stdout]).toEqual([4, 'done\n'])
    expect(await ok(['status', '--queues'])).toMatch(/^mine +1$/m)
  })

  it('shows progress to a person, and none to a program', async () => {
    write('items', 'a b c')
    const many = ['xargs', '-a', join(folder, 'items'), '-n', '1', 'sh', '-c', 'sleep 0.3']
    const { code, stderr } = await onTerminal(...many)
    expect(code).toBe(0)
    expect(stderr).toMatch(/\d\/3/)
    expect((await perdure(...many)).stderr).not.toContain('░')
  })

  it('leaves the work to the workers of a queue, where another process owns the store', async () => {
    const owner = await openServed({ path: file })
    const worker = runHere(['worker', 'theirs'], { ...env, PERDURE_URL: `unix:${file}.sock` })
    try {
      const { code, stdout } = await perdure(
        'submit',
        '--wait',
        '--queue',
        'theirs',
        '--',
        'echo',
        'over there',
      )
      expect([code, stdout]).toEqual([0, 'over there\n'])
      const failed = await perdure('submit', '--wait', '--json', '--queue', 'theirs', '--', 'false')
      expect(failed.code).toBe(1)
    } finally {
      process.emit('SIGTERM', 'SIGTERM')
      await worker
      await owner.close()
    }
  })
})

describe('submitting', () => {
  it('keeps every option with the job', async () => {
    const words = ['--priority', '-5', '--delay', '1h', '--retry', '2', '--timeout', '1m', '--cwd', folder]
    const more = ['--env', 'A=b', '--env-clear', '--meta', 'color=red', '--name', 'n', '--limit', 'api=2']
    await ok(['submit', '--quiet', ...words, ...more, '--user', 'root', '--group', 'root', '--', 'true'])
    const job = JSON.parse(await ok(['status', '--json', '1']))
    expect(job).toMatchObject({ state: 'scheduled', priority: -5, metadata: { color: 'red', name: 'n' } })
    expect(await ok(['status', '1'])).toMatch(/folder +\S+\nlimits +api\n/)
  })

  it('at a moment, after other jobs, and with a key only once', async () => {
    await ok(['submit', '--quiet', '--at', '2100-01-01T00:00:00Z', 'true'])
    await ok(['submit', '--quiet', '--after', '1:run', '--key', 'k', 'true'])
    const { stdout, stderr } = await perdure('submit', '--after', '1:run', '--key', 'k', 'true')
    expect([stdout, stderr]).toEqual(['2\n', expect.stringContaining('has this key already')])
    expect(JSON.parse(await ok(['status', '--json', '1']))).toMatchObject({ state: 'scheduled' })
    expect(JSON.parse(await ok(['status', '--json', '2']))).toMatchObject({ state: 'blocked' })
  })

  it('refuses what cannot be meant', async () => {
    for (const words of [
      ['--hold', '--delay', '1s', 'true'],
      ['--script', '-', '--stdin', '-'],
      ['--priority', 'high', 'true'],
      ['--at', 'soon', 'true'],
      ['--limit', 'api=none', 'true'],
    ])
      expect([words, (await perdure('submit', ...words)).code]).toEqual([words, 64])
    expect((await perdure('submit', '--stdin', 'missing', 'cat')).code).toBe(66)
  })

  it('many, by lines, by items and with a word in their place', async () => {
    const items = write('items', 'a b\nc d\n')
    const xargs = (...words: string[]) => ok(['xargs', '--quiet', '-a', items, '--detach', ...words])
    expect(await xargs('-L', '1', 'echo')).toBe('1\n2\n')
    expect(await xargs('-P', '0', 'echo')).toBe('3\n4\n5\n6\n')
    expect(await xargs('-I', '{}', 'echo', '<{}>')).toBe('7\n8\n')
    expect(await xargs('-0')).toBe('9\n')
    await ok(['worker', '--quiet', '--until-empty'])
    expect(await ok(['output', '1', '3', '7', '9'])).toBe('a b\na\n<a b>\na b\nc d\n\n')
  })

  it('many that fail has an exit code of its own, and each end is data for programs', async () => {
    const items = write('items', '0 3')
    const { code, stdout, stderr } = await perdure('xargs', '-a', items, '-n', '1', 'sh', '-c', 'exit $0')
    expect([code, stdout, stderr]).toEqual([123, '', expect.stringContaining('job 2 failed')])
    const program = await perdure('xargs', '--json', '-a', items, '-n', '1', 'sh', '-c', 'exit $0')
    const ends = program.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(ends.map(({ state }) => state).sort()).toEqual(['failed', 'succeeded'])
    expect((await perdure('xargs', '-a', folder, 'echo')).code).toBe(66)
  })
})

describe('control', () => {
  it('of jobs that depend on each other, with a reason that is kept', async () => {
    await ok(['submit', '--quiet', '--hold', 'true'], ['submit', '--quiet', '--after', '1', 'true'])
    await ok(['submit', '--quiet', '--after', '2', 'true'])
    const killed = await ok([
      'kill',
      '-r',
      '1',
      '--reason',
      'wrong input',
      '--signal',
      'KILL',
      '--grace',
      '1s',
    ])
    expect(killed.trim().split('\n').sort()).toEqual(['1\tcancelled', '2\tcancelled', '3\tcancelled'])
    expect(await ok(['status', '3'])).toContain('wrong input')
    expect((await perdure('kill', '1')).code).toBe(0)
    expect((await perdure('kill', '9')).code).toBe(66)
    expect((await perdure('retry', '1')).stdout).toBe('1\tready\n')
  })

  it('of an attempt names its output', async () => {
    await ok(['submit', '--quiet', '--retry', '1', 'sh', '-c', 'echo $PERDURE_ATTEMPT; exit 1'])
    await ok(['worker', '--quiet', '--until-empty'])
    expect(await ok(['output', '--attempt', '2', '1'])).toBe('2\n')
    expect((await perdure('output', '--attempt', '0', '1')).code).toBe(64)
    expect((await perdure('wait', '--timeout', '1s', '1')).code).not.toBe(0)
  })
})
