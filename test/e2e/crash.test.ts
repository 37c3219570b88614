/**
 * A real process under load is killed again and again, at random moments and in the middle of its syncs. After
 * each kill the store is opened anew: nothing that was acknowledged is lost, and nothing runs twice at once.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import { openEmbedded } from '../../src/server/embedded.ts'
import { allJobs, History, ledgerProblems } from './testdata/crash-history.ts'

const CHILD = fileURLToPath(new URL('./testdata/crash-child.ts', import.meta.url))
const NODE = join(fileURLToPath(new URL('../..', import.meta.url)), 'node_modules/.bin/node')
const canTrace = (() => {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', '-e', 'trace=fsync', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** How a process is killed: after so many acknowledgements, or at its sync of this number. */
type Kill = { readonly afterLines: number } | { readonly atSync: number }

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-crash-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** Runs a process on the store until it is killed; its acknowledgements go into the history. */
async function runAndKill(store: string, seed: number, kill: Kill, history: History): Promise<void> {
  const command = [NODE, CHILD, store, join(folder, 'ledger'), String(seed)]
  const calls = 'fsync,fdatasync'
  if ('atSync' in kill) {
    const inject = `inject=${calls}:signal=SIGKILL:when=${kill.atSync}`
    command.unshift('strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject)
  }
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  const complaints: Buffer[] = []
  child.stderr.on('data', (data: Buffer) => complaints.push(data))
  const exit = once(child, 'exit')
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    history.hear(line)
    lines++
    if ('afterLines' in kill && lines === kill.afterLines) child.kill('SIGKILL')
  }
  const [code, signal] = (await exit) as [number | null, string | null]
  expect({ code, signal, complaints: Buffer.concat(complaints).toString() }).toMatchObject({
    signal: 'SIGKILL',
  })
}

/** Opens what a kill has left, checks it, and leaves it as a restart would find it. */
async function inspect(store: string, history: History): Promise<void> {
  const client = await openEmbedded({ store: 'sqlite', path: store })
  try {
    expect(await client.check()).toEqual([])
    expect(await history.missingFrom(client)).toEqual([])
    const { epoch } = await client.position()
    expect(epoch).toBeGreaterThan(history.epoch)
    const keyed = [...history.keys].filter(([, key]) => key !== '-').slice(-20)
    for (const [id, key] of keyed) {
      const job = await client.get(id)
      expect(job.key).toBe(key)
      const again = { kind: 'work', input: job.input, key }
      expect(await client.enqueue([again])).toEqual([{ id, created: false }])
    }
    for (const id of [...history.keys.keys()].slice(-20)) {
      const { history: attempts } = await client.get(id)
      expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, i) => i + 1))
    }
  } finally {
    await client.close()
  }
  if (existsSync(join(folder, 'ledger'))) expect(ledgerProblems(join(folder, 'ledger')).problems).toEqual([])
}

/** Runs everything that is left to its end. */
async function finishAll(client: Client): Promise<void> {
  for (const { id, state } of (await allJobs(client)).values()) {
    if (state === 'held') await client.control(id, { verb: 'release' })
  }
  const session = await client.openWorker({ name: 'finisher', host: hostname(), pid: process.pid })
  const stop = new AbortController()
  const working = (async () => {
    while (!stop.signal.aborted) {
      const leases = await session.poll({ queues: ['default'], kinds: ['work'], slots: 500 }, stop.signal)
      await session.report(leases.map(({ token }) => ({ token, outcome: { type: 'succeeded' } })))
    }
  })()
  for (const { id } of (await allJobs(client)).values()) await client.wait(id)
  stop.abort()
  await working
  await session.close()
}

it.skipIf(!canTrace)(
  'survives a kill at each of its first syncs, the making of the file included',
  async () => {
    for (let atSync = 1; atSync <= 10; atSync++) {
      const store = join(folder, `new-${atSync}.db`)
      const history = new History()
      await runAndKill(store, atSync, { atSync }, history)
      rmSync(join(folder, 'ledger'), { force: true })
      await inspect(store, history)
    }
  },
)

it(`loses nothing and runs nothing twice over many kills${canTrace ? '' : ' (at random moments only: no strace here)'}`, async () => {
  const store = join(folder, 'app.db')
  const history = new History()
  const until = performance.now() + 25_000
  let rounds = 0
  for (let seed = 1; performance.now() < until || rounds < 6; seed++, rounds++) {
    const kill =
      canTrace && seed % 3 === 0
        ? { atSync: 10 + ((seed * 7) % 40) }
        : { afterLines: 1 + ((seed * 977) % 700) }
    await runAndKill(store, seed, kill, history)
    await inspect(store, history)
  }
  const { starts, interrupted } = ledgerProblems(join(folder, 'ledger'))
  // Kills that met nothing at work would show nothing.
  expect(starts).toBeGreaterThan(100)
  expect(interrupted).toBeGreaterThan(0)
  const client = await openEmbedded({ store: 'sqlite', path: store })
  await finishAll(client)
  const states = new Set([...(await allJobs(client)).values()].map(({ state }) => state))
  expect([...states].filter((state) => !['succeeded', 'failed', 'cancelled'].includes(state))).toEqual([])
  expect(await history.missingFrom(client)).toEqual([])
  expect(await client.check()).toEqual([])
  await client.close()
}, 120_000)
