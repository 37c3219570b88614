/**
 * Workers: the real worker over a simulated connection, with handlers that succeed, fail, snooze, hang or
 * ignore what they are told.
 */
import type { Client, Lease, Report, WorkerNotice, WorkerSession } from '../../src/client/client.ts'
import type { WorkerStatus } from '../../src/client/types.ts'
import type { RunQuestion, WorkflowSession } from '../../src/client/workflows.ts'
import type { LogStream, Outcome } from '../../src/core/model/outcome.ts'
import type { WorkerAttributes } from '../../src/core/model/requirements.ts'
import { PerdureError, perdureError } from '../../src/errors.ts'
import type { Attempt, AttemptControl, Executor } from '../../src/executors/executor.ts'
import { createWorker } from '../../src/worker/worker.ts'
import type { ServedClient } from '../invariants/watch.ts'
import { Random } from '../random.ts'
import { versionLabelsOf } from '../workload/versions.ts'
import { Actor, MachineClock } from './actor.ts'
import { type FlowShop, Flows } from './flows.ts'
import type { Network } from './network.ts'
import { type Life, LOCAL, REMOTE } from './node.ts'

/** Kinds of job that there are; `broken` always fails, `rare` is not known to every worker. */
export const KINDS = ['plain', 'plain', 'plain', 'broken', 'rare'] as const
export const QUEUES = ['default', 'other'] as const

/** What workers share. */
export interface Shop extends FlowShop {
  readonly network: Network
  /** After the faults: handlers do their work. */
  isCalm: boolean
}

/** A worker on a machine of its own; crashes, and is started again. */
export class RemoteWorker {
  readonly name: string
  readonly clock: MachineClock
  readonly #shop: Shop
  readonly #knowsAll: boolean
  actor: Actor | undefined
  #lives = 0

  constructor(name: string, shop: Shop, knowsAll: boolean) {
    this.name = name
    this.#shop = shop
    this.#knowsAll = knowsAll
    this.clock = new MachineClock(shop.scheduler)
  }

  start(): void {
    const actor = new Actor(`${this.name}.${++this.#lives}`, this.#shop.scheduler, this.clock)
    this.actor = actor
    const client: Pick<Client, 'openWorker'> = {
      openWorker: async () => new RemoteSession(actor, this.#shop),
    }
    startWorker(actor, client, this.#shop, this.#knowsAll)
  }

  crash(restartMs: number): void {
    this.actor?.kill()
    this.#shop.scheduler.after(restartMs, () => this.start())
  }

  pause(ms: number): void {
    const { actor } = this
    if (actor === undefined || actor.isPaused) return
    actor.pause()
    this.#shop.scheduler.after(ms, () => actor.resume())
  }
}

/** A worker inside the process of a node, with which it ends. */
export function startLocalWorker(life: Life, shop: Shop): void {
  const { client, actor } = life
  if (client === undefined) return
  const openWorker: Client['openWorker'] = (info) => client.openWorker({ ...info, ...LOCAL })
  actor.run(() => startWorker(actor, { openWorker }, shop, true))
}

function startWorker(actor: Actor, client: Pick<Client, 'openWorker'>, shop: Shop, knowsAll: boolean): void {
  const executor = new Handlers(actor, shop)
  const flow = shop.swarm.features.includes('workflows') ? { flow: new Flows(actor, shop) } : {}
  const common = { plain: executor, broken: executor, ...flow }
  actor.run(() => {
    const worker = createWorker({
      client,
      executors: knowsAll ? { ...common, rare: executor } : common,
      queues: [...QUEUES],
      concurrency: shop.swarm.slots,
      name: actor.name,
      attributes: attributesOf(actor.name),
      clock: actor.clock,
      timers: actor.timers(),
    })
    worker.on('error', () => {})
  })
}

/** The first worker can take everything that a world asks for; so everything comes to an end. */
export function attributesOf(name: string): WorkerAttributes {
  const isFirst = name.startsWith('worker-1.')
  return {
    ...{ hosts: [name], addresses: [], platform: 'linux/x64', mounts: [] },
    ...{ user: 'sim', uid: 1, group: 'sim', gid: 1, isRoot: false },
    ...(isFirst ? { cpus: 3, memory: 3 } : { cpus: 2, memory: 2 }),
    labels: [...(isFirst ? ['here'] : []), 'everywhere', ...versionLabelsOf(name)],
  }
}

class RemoteSession implements WorkerSession {
  readonly #actor: Actor
  readonly #shop: Shop
  readonly #listeners: ((notice: WorkerNotice) => void)[] = []
  readonly #newsListeners: ((token: string) => void)[] = []
  readonly #askListeners: ((question: RunQuestion) => void)[] = []
  readonly workflows: WorkflowSession = {
    record: (token, seen, entries) =>
      this.#recordOnce((session) => session.workflows.record(token, seen, entries)),
    journal: (token, from) => this.#call((session) => session.workflows.journal(token, from), true),
    onNews: (listener) => void this.#newsListeners.push(listener),
    onQuestion: (listener) => void this.#askListeners.push(listener),
    answer: (token, answer) => this.#call((session) => session.workflows.answer(token, answer), false),
  }
  /** Told again to whoever owns the shard next. */
  #status: WorkerStatus | undefined

  constructor(actor: Actor, shop: Shop) {
    this.#actor = actor
    this.#shop = shop
  }

  #call<T>(invoke: (session: WorkerSession) => Promise<T>, repeatable: boolean): Promise<T> {
    const at = async (life: Life): Promise<T> => invoke(await this.#sessionAt(life))
    return this.#shop.network.call(this.#actor, at, repeatable)
  }

  /** To one life of a node it is told again under the same name; only the journal tells what one that is gone has done. */
  async #recordOnce<T>(invoke: (session: WorkerSession) => Promise<T>): Promise<T> {
    let first: Life | undefined
    let answer: Promise<T> | undefined
    const at = async (life: Life): Promise<T> => {
      first ??= life
      if (life !== first) throw unknownOutcome()
      answer ??= this.#sessionAt(life).then(invoke)
      return answer
    }
    for (;;) {
      try {
        return await this.#shop.network.call(this.#actor, at, true)
      } catch (error) {
        if (!(error instanceof PerdureError) || error.code !== 'UNAVAILABLE') throw error
        await new Promise<void>((resolve) => void this.#actor.after(RECORD_AGAIN_MS, resolve))
      }
    }
  }

  #sessionAt(life: Life): Promise<WorkerSession> {
    const known = life.sessions.get(this.#actor.name)
    if (known !== undefined) return known
    const opening = (life.client as ServedClient).openWorker({ name: this.#actor.name, ...REMOTE })
    life.sessions.set(this.#actor.name, opening)
    return opening.then((session) => {
      if (this.#status !== undefined) session.tell(this.#status)
      session.onNotice((notice) => {
        this.#shop.network.send(life.actor, this.#actor, () => {
          for (const listener of this.#listeners) listener(notice)
        })
      })
      session.workflows.onQuestion((question) => {
        this.#shop.network.send(life.actor, this.#actor, () => {
          for (const listener of this.#askListeners) listener(question)
        })
      })
      session.workflows.onNews((token) => {
        this.#shop.network.send(life.actor, this.#actor, () => {
          for (const listener of this.#newsListeners) listener(token)
        })
      })
      return session
    })
  }

  poll(request: Parameters<WorkerSession['poll']>[0], signal?: AbortSignal): Promise<Lease[]> {
    const { network, ledger } = this.#shop
    const there = new AbortController()
    let to: Actor | undefined
    let leases: Lease[] = []
    const stop = (): void => {
      if (to === undefined) there.abort()
      else network.send(this.#actor, to, () => there.abort())
    }
    signal?.addEventListener('abort', stop, { once: true })
    const at = async (life: Life): Promise<Lease[]> => {
      to = life.actor
      const session = await this.#sessionAt(life)
      leases = await session.poll(request, there.signal)
      return leases
    }
    return network.call(this.#actor, at, false, () => ledger.arrived(leases))
  }

  report(reports: readonly Report[]): Promise<boolean[]> {
    return this.#call((session) => session.report(reports), true)
  }

  heartbeat(tokens: readonly string[]): Promise<{ readonly lost: string[] }> {
    return this.#call((session) => session.heartbeat(tokens), true)
  }

  log(entries: readonly { token: string; stream: LogStream; text: string }[]): Promise<void> {
    return this.#call((session) => session.log(entries), false)
  }

  progress(token: string, fraction: number, message?: string): void {
    this.#call(async (session) => session.progress(token, fraction, message), true).catch(() => {})
  }

  /** Operators are no part of this world: a status is told for what the worker is. */
  tell(status: WorkerStatus): void {
    const { features } = this.#shop.swarm
    const isOfUse = features.includes('placement') || features.includes('versions')
    if (this.#status !== undefined || !isOfUse) return
    this.#status = status
    this.#call(async (session) => session.tell(status), true).catch(() => {})
  }

  async record(): Promise<void> {}

  onNotice(listener: (notice: WorkerNotice) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {}
}

/** Before a record of which nothing was heard is told again, ms. */
const RECORD_AGAIN_MS = 200

function unknownOutcome(): PerdureError {
  return perdureError('UNKNOWN_OUTCOME', {
    expected: 'an answer of the node that was told',
    found: 'another node',
    fix: 'Read the journal',
  })
}

/** What handlers do, drawn for each attempt. */
class Handlers implements Executor {
  readonly name = 'sim'
  readonly #actor: Actor
  readonly #shop: Shop

  constructor(actor: Actor, shop: Shop) {
    this.#actor = actor
    this.#shop = shop
  }

  run(attempt: Attempt, control: AttemptControl): Outcome | Promise<Outcome> {
    const { swarm, isCalm, ledger, scheduler } = this.#shop
    const { job, attempt: number, token } = attempt
    const random = new Random(`${swarm.seed}/run/${job}.${number}`)
    const end = (): Outcome => ledger.ended(token, this.#outcome(attempt, random))
    ledger.begun(attempt, control, this.#actor)
    scheduler.trace(`${this.#actor.name}: run ${job}.${number}`)
    if (swarm.features.includes('output')) {
      if (random.chance(0.3)) control.log('stdout', `line of ${job}\n`)
      if (random.chance(0.2)) control.progress(random.unit())
    }
    const how = isCalm ? 'end' : random.weighted({ end: 80, now: 10, hang: 4, deaf: 2, throw: 2 })
    if (how === 'now') return end()
    if (how === 'throw') {
      ledger.ended(token, { type: 'cancelled' })
      throw new Error(`thrown by the handler of ${job}`)
    }
    return new Promise((resolve) => {
      const ms = how === 'hang' ? 30 * 60_000 : random.about(swarm.workMs)
      this.#actor.after(ms, () => resolve(end()))
      if (how === 'deaf') return
      control.signal.addEventListener('abort', () => {
        this.#actor.after(random.about(50), () => resolve(ledger.ended(token, { type: 'cancelled' })))
      })
    })
  }

  #outcome({ kind }: Attempt, random: Random): Outcome {
    const { isCalm, swarm } = this.#shop
    const failed: Outcome = { type: 'failed', error: { code: 'HANDLER_FAILED', message: 'as drawn' } }
    if (kind === 'broken') return failed
    const large = swarm.features.includes('largeValues') && random.chance(0.1)
    const result = large ? random.nonce().repeat(100) : random.integer(0, 1_000_000)
    if (isCalm) return { type: 'succeeded', result }
    switch (random.weighted({ succeeded: 70, failed: 15, final: 3, cancelled: 3, snoozed: 5, released: 4 })) {
      case 'succeeded':
        return { type: 'succeeded', result }
      case 'failed':
        return failed
      case 'final':
        return { ...failed, retry: false }
      case 'cancelled':
        return { type: 'cancelled' }
      case 'snoozed':
        return { type: 'snoozed', delayMs: random.magnitude(1, 60_000) }
      case 'released':
        return { type: 'released' }
    }
  }

  async close(): Promise<void> {}
}
