/**
 * pause: processes stand still for longer than a lease. An owner loses nothing by it, and nobody takes its store
 * meanwhile; what a worker reports after its leases were given to others changes nothing.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Lease, WorkerSession } from '../../src/client/client.ts'
import { PerdureError } from '../../src/errors.ts'
import { openEmbedded, openServed } from '../../src/server/embedded.ts'
import { inspect, type Subject } from '../checks.ts'
import { must, mustBeNone, within } from '../findings.ts'
import { Life } from '../life.ts'
import type { Round, Scenario } from '../scenario.ts'
import { mustBeKilled, mustHear, newSubject, startOwner, tell } from './subject.ts'

const TERM_MS = 400
const JOBS = 60
const LIMIT_MS = 30_000
/** Longer than the term of a lease and than what an owner takes for having been away (two seconds). */
const PAUSE_MS = 2_500
const SAID_MS = 50

export const pause: Scenario = {
  name: 'pause',
  title: 'SIGSTOP past the lease: an owner, and a worker whose leases go to another',
  needs: [],
  run: async (round) => {
    await pauseOwner(round)
    await pauseWorker(round)
  },
}

async function pauseOwner(round: Round): Promise<void> {
  const subject = newSubject(round)
  const owner = startOwner(subject, round)
  try {
    await mustHear(owner, round.random.integer(50, 400), 'before its pause')
    owner.kill('SIGSTOP')
    await mustBeBusy(subject, owner.pid)
    await delay(PAUSE_MS)
    await mustBeBusy(subject, owner.pid)
    owner.kill('SIGCONT')
    await mustHear(owner, 200, 'after its pause')
  } finally {
    await owner.abandon()
  }
  mustBeKilled(await owner.ended)
  await inspect(subject)
  tell(round, subject)
}

/** A second process is told who owns the store. */
async function mustBeBusy({ store }: Subject, pid: number): Promise<void> {
  try {
    const second = await openEmbedded({ store: 'sqlite', path: store })
    await second.close()
  } catch (error) {
    if (!(error instanceof PerdureError)) throw error
    must(error.code === 'STORE_BUSY' && error.data.pid === pid, () => `an owned store: ${error.message}`)
    return
  }
  must(false, () => `a second owner beside process ${pid}`)
}

async function pauseWorker(round: Round): Promise<void> {
  const { store } = newSubject(round, 'shared')
  const served = await openServed({ path: store })
  try {
    const { client } = served
    const options = { retry: { attempts: 1_000, minMs: 0, maxMs: 0 }, timeouts: { heartbeatMs: TERM_MS } }
    const jobs = await client.enqueue(Array.from({ length: JOBS }, () => ({ kind: 'work', options })))
    const heard = { leased: new Set<string>(), reported: new Set<string>(), refused: new Set<string>() }
    const worker = new Life({
      program: 'worker',
      args: [`${store}.sock`],
      onLine: (line) => {
        const [event = '', token = ''] = line.split(' ')
        if (event in heard) heard[event as keyof typeof heard].add(token)
      },
    })
    try {
      const inHand = (): number => heard.leased.size - heard.reported.size - heard.refused.size
      await stopWith(worker, inHand)
      const taken = await within(LIMIT_MS, 'another worker to get all jobs', takeOver(client, jobs.length))
      worker.kill('SIGCONT')
      // what it has in hand by then, it reports in vain
      await within(
        LIMIT_MS,
        'the worker to report what it had',
        worker.hearsThat(() => inHand() === 0),
      )
      const both = [...heard.reported].filter((token) => taken.has(token))
      mustBeNone(both, 'tokens that two workers had accepted')
      round.count('accepted', heard.reported.size + taken.size)
      round.count('refused', heard.refused.size)
      await mustBeEndedOnce(client, jobs, new Set([...heard.reported, ...taken]))
    } finally {
      await worker.abandon()
    }
  } finally {
    await served.close()
  }
}

/** Stops a worker while it has leases in hand. */
async function stopWith(worker: Life, inHand: () => number): Promise<void> {
  for (;;) {
    if (!(await worker.hearsThat(() => inHand() > 0))) return
    worker.kill('SIGSTOP')
    // what it said before has come by then
    await delay(SAID_MS)
    if (inHand() > 0) return
    worker.kill('SIGCONT')
  }
}

/** Works as another worker until all jobs have ended; the tokens whose reports were accepted. */
async function takeOver(client: Client, count: number): Promise<Set<string>> {
  const session: WorkerSession = await client.openWorker({ name: 'other', host: 'elsewhere.example', pid: 1 })
  const accepted = new Set<string>()
  const stop = new AbortController()
  const ended = (async () => {
    while (!stop.signal.aborted) {
      const [queue] = await client.counts()
      if (queue?.states.succeeded === count) stop.abort()
      else await delay(TERM_MS / 4)
    }
  })()
  while (!stop.signal.aborted) {
    const leases: Lease[] = await session.poll(
      { queues: ['default'], kinds: ['work'], slots: 50 },
      stop.signal,
    )
    const outcomes = leases.map(({ token }) => ({
      token,
      outcome: { type: 'succeeded', result: token } as const,
    }))
    const answers = await session.report(outcomes)
    leases.forEach(({ token }, i) => {
      if (answers[i]) accepted.add(token)
    })
  }
  await ended
  await session.close()
  return accepted
}

/** Each job has the result of the one report that was accepted, and one attempt that succeeded. */
async function mustBeEndedOnce(
  client: Client,
  jobs: readonly { readonly id: number }[],
  accepted: ReadonlySet<string>,
): Promise<void> {
  for (const { id } of jobs) {
    const { result, history } = await client.get(id)
    must(accepted.has(String(result)), () => `job ${id} ended with ${result}, which nobody was told`)
    const ends = history.filter(({ outcome }) => outcome === 'succeeded')
    must(ends.length === 1, () => `job ${id} succeeded ${ends.length} times`)
  }
  mustBeNone(await client.check(), 'the check of the store')
}
