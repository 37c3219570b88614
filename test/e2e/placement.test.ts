/**
 * Placement with real users, mounts and network namespaces, where this process may make them (root on Linux); elsewhere
 * those tests are skipped and say so by their names.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const isRoot = process.getuid?.() === 0
const may = (...args: string[]): boolean => isRoot && spawnSync('unshare', [...args, 'true']).status === 0
const MAY_MOUNT = may('-m')
/** Sets up a network of its own, in a namespace of its own. */
const NETWORK =
  'ip link add v0 type veth peer name v1; ip addr add 10.77.1.1/24 dev v0; ip link set v0 up; ip link set v1 up'
const MAY_NET = isRoot && spawnSync('unshare', ['-n', 'sh', '-ec', NETWORK]).status === 0

let folder: string
let env: NodeJS.ProcessEnv
const workers: ChildProcess[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-placement-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'film'))
  env = { PATH: process.env.PATH, HOME: folder, PERDURE_URL: `sqlite:${join(folder, 'store.db')}` }
})
afterEach(async () => {
  for (const worker of workers.splice(0)) {
    const ended = once(worker, 'close')
    worker.kill('SIGTERM')
    await ended
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

async function perdure(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env, timeout: 60_000 })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString()
  })
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString()
  })
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout, stderr }
}

/** Starts a worker, perhaps within something; resolves when it works. */
async function work(args: readonly string[], within: readonly string[] = []): Promise<void> {
  const [file = '', ...rest] = [...within, process.execPath, MAIN, 'worker', ...args]
  const child = spawn(file, rest, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
  workers.push(child)
  let said = ''
  for await (const bytes of child.stderr) {
    said += String(bytes)
    if (said.includes('Working on')) break
  }
  expect(said).toContain('Working on')
  child.stderr.resume()
}

/** Submits a command for the workers there are; answers what it wrote. */
async function run(...args: string[]): Promise<string> {
  const submitted = await perdure('--quiet', 'submit', ...args)
  expect(submitted).toMatchObject({ status: 0 })
  const job = submitted.stdout.trim()
  await perdure('--quiet', 'wait', job)
  return (await perdure('--quiet', 'output', job)).stdout
}

const inShell = (script: string, ...unshare: string[]): string[] => [
  ...['unshare', ...unshare, 'sh', '-ec', `${script}; exec "$@"`, 'sh'],
]

describe('placement', () => {
  it('says why no worker takes a job, and starts it when one comes that does', async () => {
    await work(['--cpus', '2', '--ram', '1G'])
    const large = await perdure('submit', '--cpus', '64', '--', 'true')
    expect(large.stderr).toContain('needs 64 cpus; the largest worker has 2')
    const id = large.stdout.trim()
    const status = await perdure('status', id)
    expect(status.stdout).toMatch(/^state +ready \(needs 64 cpus; the largest worker has 2\)/m)
    expect(status.stdout).toMatch(/^needs +64 cpus/m)
    const labelled = await perdure('submit', '--label', 'gpu*', '--host', '*', '--', 'echo', 'on the gpu')
    expect(labelled.stderr).toContain('no worker matches: label gpu* excludes the only worker here')
    await work(['--label', 'gpu=a100', '--cpus', '64'])
    await perdure('--quiet', 'wait', id, labelled.stdout.trim())
    expect((await perdure('output', labelled.stdout.trim())).stdout).toBe('on the gpu\n')
  }, 60_000)

  it.each([
    [['--host', 'node['], 'a pattern such as'],
    [['--not-host', '!x'], 'a pattern without !'],
    [['--network', '10.0.0.0/40'], 'a network such as'],
    [['--platform', 'a/b/c'], 'a system and an architecture'],
    [['--path', 'data'], 'an absolute path'],
    [['--cpus', '0'], 'a whole number from 1'],
    [['--memory', '4X'], 'a number of bytes'],
    [['--as', 'a:b:c'], 'a user, user:group or :group'],
  ])(
    'refuses %j',
    async (options, expected) => {
      const { status, stderr } = await perdure('submit', ...options, '--', 'true')
      expect({ status, stderr }).toMatchObject({ status: 64, stderr: expect.stringContaining(expected) })
    },
    30_000,
  )

  it.skipIf(!isRoot)(
    'runs commands as another user, without capabilities (needs root)',
    async () => {
      await work([])
      const said = await run('--as', 'nobody', '--cwd', '/', '--script', 'id -un; grep Cap /proc/self/status')
      expect(said).toMatch(/^nobody\n/)
      for (const set of ['Inh', 'Prm', 'Eff', 'Amb']) expect(said).toMatch(new RegExp(`Cap${set}:\\s0+\\n`))
      const group = await run('--as', 'nobody:daemon', '--cwd', '/', '--script', 'id -gn')
      expect(group).toBe('daemon\n')
    },
    60_000,
  )

  it.skipIf(!MAY_MOUNT)(
    'goes where a path is mounted (needs root and mounts)',
    async () => {
      const film = join(folder, 'film')
      await work([])
      await work(
        ['--label', 'there'],
        inShell(`mount -t tmpfs none ${film}; echo a scene > ${film}/scene`, '-m'),
      )
      // the one that is there is not the one that a job without needs would go to first
      expect(await run('--path', `${film}/scene`, '--', 'cat', `${film}/scene`)).toBe('a scene\n')
    },
    60_000,
  )

  it.skipIf(!MAY_NET)(
    'goes where a network is (needs root and network namespaces)',
    async () => {
      await work([])
      await work([], inShell(NETWORK, '-n'))
      expect(await run('--network', '10.77.0.0/16', '--', 'ip', '-o', 'addr')).toContain('10.77.1.1/24')
      expect(await run('--network', '!10.77.0.0/16', '--', 'ip', '-o', 'addr')).not.toContain('10.77.1.1/24')
    },
    60_000,
  )
})
