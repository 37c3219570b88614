/**
 * Several workers race for every task under leases that are far too short, and stall beyond them. However often a
 * task is begun, its effect is accepted once, and never are two leases of it valid at once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client, Lease, WorkerSession } from '../../src/client/client.ts'
import { connectSocket } from '../../src/client/remote/remote.ts'
import { openEmbedded } from '../../src/server/embedded.ts'
import { serveSocket } from '../../src/server/socket.ts'

const TASKS = 150
const WORKERS = 5
const TERM_MS = 150

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-race-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** What happened to the tasks, as the outside world would see it. */
class Effects {
  readonly accepted = new Map<number, string[]>()
  readonly problems: string[] = []
  stalls = 0
  begun = 0
  /** The attempt of each task that a valid lease was last seen for. */
  readonly #valid = new Map<number, number>()

  /** A lease was just confirmed as valid: no later attempt can have been handed out before. */
  confirmed({ job, attempt }: Lease): void {
    const newest = this.#valid.get(job) ?? 0
    if (attempt < newest)
      this.problems.push(`attempt ${attempt} of task ${job} was valid beside attempt ${newest}`)
    this.#valid.set(job, Math.max(newest, attempt))
  }

  accept({ job, token }: Lease): void {
    const tokens = this.accepted.get(job) ?? []
    tokens.push(token)
    this.accepted.set(job, tokens)
  }
}

/** Polls, sometimes stalls beyond its lease, and reports in any case. */
async function race(
  session: WorkerSession,
  effects: Effects,
  stop: AbortSignal,
  seed: number,
): Promise<void> {
  let state = seed
  const random = (): number => {
    state = (state * 48_271) % 0x7fff_ffff
    return state / 0x7fff_ffff
  }
  while (!stop.aborted) {
    const leases = await session.poll({ queues: ['race'], kinds: ['task'], slots: 3 }, stop)
    for (const lease of leases) {
      effects.begun++
      const stalls = random() < 0.15
      if (stalls) effects.stalls++
      await new Promise((resolve) => setTimeout(resolve, stalls ? TERM_MS + 700 * random() : 2 * random()))
      const { lost } = await session.heartbeat([lease.token])
      if (lost.length === 0) effects.confirmed(lease)
      const outcome = { type: 'succeeded', result: lease.token } as const
      // Also what is lost is reported, as a worker that knows nothing would, and twice: the answer is the same.
      const [first] = await session.report([{ token: lease.token, outcome }])
      const [second] = await session.report([{ token: lease.token, outcome }])
      if (first) effects.accept(lease)
      if (second !== first) effects.problems.push(`task ${lease.job} was answered ${first}, then ${second}`)
    }
  }
}

async function runRace(owner: Client, clientOf: (worker: number) => Promise<Client>): Promise<Effects> {
  const options = {
    retry: { attempts: 1_000, minMs: 0, maxMs: 0 },
    timeouts: { heartbeatMs: TERM_MS },
  }
  const tasks = Array.from({ length: TASKS }, (_, i) => ({ kind: 'task', queue: 'race', input: i, options }))
  const added = await owner.enqueue(tasks)
  const effects = new Effects()
  const stop = new AbortController()
  const clients = await Promise.all(Array.from({ length: WORKERS }, (_, worker) => clientOf(worker)))
  const racing = clients.map(async (client, worker) => {
    const session = await client.openWorker({
      name: `racer-${worker}`,
      host: 'elsewhere.example',
      pid: worker,
    })
    await race(session, effects, stop.signal, 1_000 + worker * 7_919)
    await session.close()
  })
  const ends = await Promise.all(added.map(({ id }) => owner.wait(id)))
  stop.abort()
  await Promise.all(racing)
  for (const { id, state, result } of ends) {
    // The one report that was accepted is the result that everybody sees for ever.
    expect({ id, state, tokens: effects.accepted.get(id) }).toEqual({
      id,
      state: 'succeeded',
      tokens: [result],
    })
    const { history } = await owner.get(id)
    expect(history.map(({ number }) => number)).toEqual(history.map((_, i) => i + 1))
    expect(history.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(1)
  }
  expect(await owner.check()).toEqual([])
  for (const client of clients) if (client !== owner) await client.close()
  return effects
}

describe('five workers that stall beyond their leases', () => {
  it('finish every task once, in one process', async () => {
    const client = await openEmbedded({ store: 'sqlite', path: join(folder, 'app.db') })
    const effects = await runRace(client, async () => client)
    await client.close()
    expect(effects.problems).toEqual([])
    expect(effects.stalls).toBeGreaterThan(5)
    expect(effects.begun).toBeGreaterThan(TASKS)
  })

  it('finish every task once, over a socket', async () => {
    const client = await openEmbedded({ store: 'sqlite', path: join(folder, 'app.db') })
    const socket = await serveSocket(client, join(folder, 'app.sock'))
    const effects = await runRace(client, () => connectSocket(socket.path))
    await socket.close()
    await client.close()
    expect(effects.problems).toEqual([])
    expect(effects.begun).toBeGreaterThanOrEqual(TASKS)
  })
})
