/**
 * What is looked at after every fault: the store as a restart finds it, and the ledger of what handlers did.
 */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Client } from '../src/client/client.ts'
import { openEmbedded } from '../src/server/embedded.ts'
import { must, mustBeNone, within } from './findings.ts'
import { allJobs, type History, ledgerProblems } from './history.ts'

/** Jobs that are looked at one by one; the newest are those that a fault was nearest to. */
const NEWEST = 20
const LIMIT_MS = 60_000

/** A store with what is known of it. */
export interface Subject {
  readonly store: string
  readonly ledger: string
  readonly history: History
}

/**
 * Opens what a fault has left, checks it, and leaves it as a restart would find it.
 *
 * @throws Violation
 */
export async function inspect({ store, ledger, history }: Subject): Promise<void> {
  const client = await openEmbedded({ store: 'sqlite', path: store })
  try {
    mustBeNone(await client.check(), 'the check of the store')
    mustBeNone(await history.missingFrom(client), 'acknowledged, but gone')
    const { epoch } = await client.position()
    must(epoch > history.epoch, () => `epoch ${epoch} was given out after epoch ${history.epoch}`)
    await inspectNewest(client, history)
  } finally {
    await client.close()
  }
  if (existsSync(ledger)) mustBeNone(ledgerProblems(ledger).problems, 'what handlers did')
}

async function inspectNewest(client: Client, { keys }: History): Promise<void> {
  for (const [id, key] of [...keys].slice(-NEWEST)) {
    const job = await client.get(id)
    const numbers = job.history.map(({ number }) => number)
    must(
      numbers.every((number, i) => number === i + 1),
      () => `job ${id} has the attempts ${numbers}`,
    )
    if (key === '-') continue
    must(job.key === key, () => `job ${id} was enqueued under the key ${key}, but has ${job.key}`)
    const [again] = await client.enqueue([{ kind: 'work', input: job.input, key }])
    must(
      again?.id === id && !again.created,
      () => `the key ${key} of job ${id} led to ${JSON.stringify(again)}`,
    )
  }
}

/**
 * Runs everything that is left to its end, which must come.
 *
 * @throws Violation, or Stuck when some job does not end
 */
export async function finishAll({ store, history }: Subject): Promise<void> {
  const client = await openEmbedded({ store: 'sqlite', path: store })
  try {
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
    const ends = [...(await allJobs(client)).keys()].map((id) => client.wait(id))
    try {
      await within(LIMIT_MS, 'all jobs to end', Promise.all(ends))
    } finally {
      stop.abort()
      await working
    }
    await session.close()
    mustBeNone(await history.missingFrom(client), 'acknowledged, but gone')
    mustBeNone(await client.check(), 'the check of the store')
  } finally {
    await client.close()
  }
}
