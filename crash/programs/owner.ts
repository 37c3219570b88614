/**
 * A process that owns a store and works hard on it until it is killed, and says what was acknowledged, a line each.
 *
 * Lines leave by a synchronous write, so that what was said before the kill is in the pipe. What handlers do to
 * the world goes to a ledger, opened for appending: one line where an attempt begins and one where it ends.
 * A call that is refused for the moment, or whose outcome is unknown, is made again as it was; a store that can no
 * longer be had ends the process with exit code 3.
 *
 * Usage: owner.ts STORE LEDGER SEED
 */
import { appendFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Lease, Report, WorkerSession } from '../../src/client/client.ts'
import { PerdureError } from '../../src/errors.ts'
import { openEmbedded } from '../../src/server/embedded.ts'
import { say } from './say.ts'

const [path = '', ledger = '', seedText = '1'] = process.argv.slice(2)
let seed = Number(seedText)
const random = (): number => {
  seed = (seed * 48_271) % 0x7fff_ffff
  return seed / 0x7fff_ffff
}
const below = (most: number): number => Math.floor(random() * most)
const note = (...words: (string | number)[]): void =>
  appendFileSync(ledger, `${words.join(' ')} ${process.pid}\n`)

const options = { retry: { attempts: 1_000, minMs: 0, maxMs: 0 } }
const known: number[] = []

/** Long enough for a failing disk not to be asked in a loop, short beside a life. */
const PAUSE_MS = 5

/** Makes a call until it is acknowledged, as a careful caller would. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof PerdureError) || !error.retryable) throw error
      say('refused', error.code, error.message.replaceAll('\n', ' '))
      await delay(PAUSE_MS)
    }
  }
}

async function enqueue(client: Client, loop: number): Promise<never> {
  for (let call = 0; ; call++) {
    const specs = Array.from({ length: 1 + below(5) }, (_, i) => ({
      kind: 'work',
      input: { loop, call, i },
      options,
      ...(random() < 0.5 ? { key: `${seedText}-${loop}-${call}-${i}` } : {}),
      ...(random() < 0.3 ? { limits: [{ key: `limit-${below(4)}`, max: 2 }] } : {}),
      ...(i > 0 && random() < 0.2 ? { after: [{ index: i - 1, onFailure: 'run' as const }] } : {}),
    }))
    const added = await persist(() => client.enqueue(specs, { request: `${seedText}/${loop}/${call}` }))
    added.forEach(({ id }, i) => {
      say('enqueued', id, (specs[i] as { key?: string }).key ?? '-')
      known.push(id)
    })
  }
}

function outcomeOf(lease: Lease): Report['outcome'] {
  const dice = random()
  if (dice < 0.8) return { type: 'succeeded', result: lease.token }
  if (dice < 0.9) return { type: 'failed', error: { code: 'HANDLER_FAILED', message: 'by chance' } }
  return dice < 0.95 ? { type: 'snoozed', delayMs: 1 } : { type: 'released' }
}

async function work(session: WorkerSession): Promise<never> {
  for (;;) {
    const leases = await persist(() => session.poll({ queues: ['default'], kinds: ['work'], slots: 8 }))
    for (const { job, attempt } of leases) note('start', job, attempt)
    // some take long enough for a kill to meet them
    if (random() < 0.3) await delay(below(30))
    for (let turns = below(40); turns >= 0; turns--) await new Promise((resolve) => setImmediate(resolve))
    for (const { job, attempt } of leases) note('end', job, attempt)
    const reports = leases.map((lease) => ({ token: lease.token, outcome: outcomeOf(lease) }))
    const accepted = await persist(() => session.report(reports))
    leases.forEach(({ job, attempt }, i) => {
      if (accepted[i]) say('reported', job, attempt, (reports[i] as Report).outcome.type)
    })
  }
}

async function control(client: Client): Promise<never> {
  const verbs = ['cancel', 'restart', 'hold', 'release', 'expedite'] as const
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve))
    const id = known[below(known.length)]
    const verb = verbs[below(verbs.length)] as (typeof verbs)[number]
    // A third of the jobs is never restarted, so that their cancel has to last.
    if (id === undefined || (verb === 'restart' && id % 3 === 0)) continue
    const result = await client.control(id, { verb }).catch(() => undefined)
    if (result?.changed) say('controlled', id, verb, String(result.state))
  }
}

try {
  const client = await openEmbedded({ store: 'sqlite', path })
  say('opened', (await client.position()).epoch)
  const session = await client.openWorker({
    name: `worker-${process.pid}`,
    host: hostname(),
    pid: process.pid,
  })
  await Promise.all([
    enqueue(client, 1),
    enqueue(client, 2),
    work(session),
    work(session),
    work(session),
    control(client),
  ])
} catch (error) {
  if (!(error instanceof PerdureError)) throw error
  say('lost', error.code, error.message.replaceAll('\n', ' '))
  process.exit(3)
}
