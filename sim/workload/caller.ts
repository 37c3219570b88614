/**
 * Callers: clients that enqueue, control and read, and try again where they do not know what became of a call.
 */
import type { ImportedJob } from '../../src/client/client.ts'
import type { ControlVerb, Enqueued, JobSpec } from '../../src/client/types.ts'
import { waitsOf } from '../../src/core/model/journal.ts'
import { nameId } from '../../src/core/model/rows.ts'
import { PerdureError } from '../../src/errors.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import { type Effects, isFork } from '../invariants/effects.ts'
import { type Call, type History, isInDoubt, type Tag } from '../invariants/history.ts'
import type { RunChecker } from '../invariants/runs.ts'
import type { ServedClient } from '../invariants/watch.ts'
import { Random } from '../random.ts'
import type { Feature, Swarm } from '../swarm.ts'
import { must } from '../violation.ts'
import { Actor, MachineClock } from '../world/actor.ts'
import type { Network } from '../world/network.ts'
import { QUEUES } from '../world/worker.ts'
import type { FlowInput } from './play.ts'
import { ECHO } from './program.ts'
import type { Specs } from './specs.ts'
import { Talks } from './talks.ts'
import { hasVersion } from './versions.ts'

/** What callers share. */
export interface Office {
  readonly network: Network
  readonly swarm: Swarm
  readonly history: History
  readonly runs: RunChecker
  readonly effects: Effects
  /** For what callers are told by other ways: which signals runs wait for. */
  readonly tables: Tables
  readonly specs: Specs
  /** Ids that callers have heard of. */
  readonly known: number[]
  /** Waits for the ends of jobs that have no answer yet. */
  readonly waiting: Set<{ readonly job: number }>
}

/** A call is tried again for this long: less than a request id is remembered. */
const TRIES = 8
const TRY_AGAIN_MS = 2_000

export class Caller {
  readonly actor: Actor
  readonly #office: Office
  readonly #talks: Talks
  #signals = 0

  constructor(name: string, office: Office) {
    this.#office = office
    const { scheduler } = office.network
    this.actor = new Actor(name, scheduler, new MachineClock(scheduler))
    this.#talks = new Talks(this.actor, office)
  }

  #uses(feature: Feature): boolean {
    return this.#office.swarm.features.includes(feature)
  }

  /** Does one thing, whatever is drawn for its number. */
  act(number: number): void {
    const random = new Random(`${this.#office.swarm.seed}/operation/${number}`)
    const what = random.weighted({
      enqueue: 50,
      repeat: this.#uses('keys') ? 8 : 0,
      import: this.#uses('imports') ? 4 : 0,
      control: this.#uses('controls') ? 25 : 2,
      pause: this.#uses('pausing') ? 4 : 0,
      get: 8,
      list: 4,
      wait: 6,
      malformed: this.#uses('malformed') ? 4 : 0,
      signal: this.#uses('workflows') ? 14 : 0,
      update: this.#uses('updates') ? 14 : 0,
      query: this.#uses('updates') ? 8 : 0,
      person: this.#uses('questions') ? 12 : 0,
      fork: this.#uses('forks') ? 8 : 0,
    })
    this.#note(`${what} ${number}`)
    if (what === 'enqueue') this.#enqueue(number, random)
    else if (what === 'repeat') this.#repeat(number, random)
    else if (what === 'import') this.#import(number, random)
    else if (what === 'control') this.#control(random)
    else if (what === 'malformed') this.#malformed(number)
    else if (what === 'signal') this.#signal(random)
    else if (what === 'update') this.#talks.update(this.#job(random), random)
    else if (what === 'query') this.#talks.query(this.#job(random))
    else if (what === 'person') this.#talks.answerOne(random)
    else if (what === 'fork') this.#fork(number, random)
    else if (what === 'pause') this.pause(random.pick(QUEUES), random.chance(0.5))
    else if (what === 'get') this.#get(random)
    else if (what === 'list') void this.#ask((client) => client.list({ limit: 20 }))
    else this.#wait(random)
  }

  #note(text: string): void {
    this.#office.network.scheduler.trace(`${this.actor.name}: ${text}`)
  }

  #job(random: Random): number | undefined {
    const { known } = this.#office
    return known.length === 0 ? undefined : random.pick(random.chance(0.7) ? known.slice(-15) : known)
  }

  #enqueue(number: number, random: Random): void {
    const { specs, known } = this.#office
    this.submit(number, specs.call(number, known, random), random)
  }

  /** Enqueues jobs, and tries again while in doubt. */
  submit(number: number, jobs: readonly JobSpec[], random: Random): void {
    const { history } = this.#office
    const call: Call = {
      number,
      specs: jobs,
      isRepeat: false,
      fate: 'open',
      wasInDoubt: false,
      answer: undefined,
    }
    history.begin(call)
    this.#try(call, this.#uses('requests') ? `request-${number}` : undefined, 1, random)
  }

  /** The same jobs once more, as a caller does that has forgotten. */
  #repeat(number: number, random: Random): void {
    const { history } = this.#office
    const keyed = [...history.calls.values()].filter(({ specs }) =>
      specs.every(({ key }) => key !== undefined),
    )
    if (keyed.length === 0) return
    const { specs } = random.pick(keyed)
    const call: Call = { number, specs, isRepeat: true, fate: 'open', wasInDoubt: false, answer: undefined }
    history.begin(call)
    this.#try(call, undefined, TRIES, random)
  }

  #try(call: Call, request: string | undefined, tried: number, random: Random): void {
    const { network, history, known } = this.#office
    const options = request === undefined ? {} : { request }
    // a second copy of the request may arrive after the first was refused
    if (request !== undefined && this.#office.swarm.faults.includes('duplicates')) call.wasInDoubt = true
    const invoke = async (client: ServedClient) => {
      const answer = await client.enqueue(call.specs, options)
      history.enqueued(answer)
      return answer
    }
    network
      .call(this.actor, (life) => invoke(life.client as ServedClient), request !== undefined)
      .then(
        (answer) => {
          this.#note(`call ${call.number} made ${answer.map(({ id }) => id).join(' ')}`)
          history.settled(call, answer)
          for (const { id } of answer) known.push(id)
        },
        (error: unknown) => {
          this.#note(`call ${call.number} got ${codeOf(error)}`)
          if (isInDoubt(error)) call.wasInDoubt = true
          const isOver =
            !(error instanceof PerdureError && error.retryable) || request === undefined || tried >= TRIES
          if (!isOver)
            this.actor.after(random.about(TRY_AGAIN_MS), () => this.#try(call, request, tried + 1, random))
          else if (isInDoubt(error)) call.fate = 'unknown'
          else history.refused(call)
        },
      )
  }

  #import(number: number, random: Random): void {
    const { specs } = this.#office
    this.import(
      number,
      specs.call(number, [], random).map((spec) => this.#past(spec, random)),
    )
  }

  /** Imports jobs, once. */
  import(number: number, jobs: readonly ImportedJob[]): void {
    this.#makeOnce(number, jobs, (client) => client.import(jobs))
  }

  /** Has another run begin with what one has done, which goes on by itself or has ended. */
  #fork(number: number, random: Random): void {
    const job = this.#job(random)
    const { tables } = this.#office
    const row = tables.jobs.get(job ?? 0)
    const text = row?.input ?? tables.payloads.get(job ?? 0)?.get('input')
    const { flow, round } = JSON.parse(text ?? '{}') as Partial<FlowInput>
    const kind = tables.names.get(nameId('kind', 'flow'))?.id
    const isRun = row !== undefined && tables.routesById.get(row.route)?.kind === kind
    if (job === undefined || !isRun || flow === undefined || round === undefined) return
    const input: Tag & FlowInput = { call: number, index: 0, flow, round }
    this.#note(`fork ${job}`)
    const from = random.chance(0.5) ? { from: random.integer(0, 12) } : {}
    const fork = async (client: ServedClient): Promise<Enqueued[]> => {
      const id = await client.workflows.fork(job, { ...from, input })
      return [{ id, created: true }]
    }
    this.#makeOnce(number, [{ kind: 'flow', input }], fork, (end) => this.#note(`fork ${job} ${end}`))
  }

  /** Makes jobs by a call that is not sent again. */
  #makeOnce(
    number: number,
    specs: Call['specs'],
    make: (client: ServedClient) => Promise<readonly Enqueued[]>,
    note: (end: string) => void = () => undefined,
  ): void {
    const { network, history, known } = this.#office
    const call: Call = { number, specs, isRepeat: false, fate: 'open', wasInDoubt: false, answer: undefined }
    history.begin(call)
    const invoke = async (client: ServedClient) => {
      const answer = await make(client)
      history.enqueued(answer)
      return answer
    }
    network
      .call(this.actor, (life) => invoke(life.client as ServedClient), false)
      .then(
        (answer) => {
          note(`made ${answer[0]?.id}`)
          history.settled(call, answer)
          for (const { id } of answer) known.push(id)
        },
        (error: unknown) => {
          note(`got ${codeOf(error)}`)
          if (isInDoubt(error)) call.fate = 'unknown'
          else history.refused(call)
        },
      )
  }

  #past({ after: _, ...spec }: JobSpec, random: Random): ImportedJob {
    const createdAt = this.actor.clock.now() - random.magnitude(1, 1_000_000)
    const state = random.pick(['ready', 'scheduled', 'held', 'succeeded', 'failed', 'cancelled'] as const)
    const history = random.chance(0.5)
      ? [
          {
            number: random.integer(1, 3),
            worker: 'old',
            startedAt: createdAt,
            endedAt: createdAt + 1,
            outcome: 'failed' as const,
            error: null,
          },
        ]
      : []
    // the past of a run would be in its journal, which nobody imports
    const { requires: _version, ...options } = spec.options ?? {}
    const kind = spec.kind === 'flow' ? { kind: 'plain', options } : {}
    return { ...spec, ...kind, createdAt, state, history }
  }

  #control(random: Random): void {
    const job = this.#job(random)
    if (job === undefined) return
    const { specs, effects } = this.#office
    const verb = specs.verb(random)
    // of other jobs no worker says which version it has
    if (verb.verb !== 'repin' || hasVersion(effects.wantedBy(job))) this.control(job, verb)
  }

  /** Tries a verb once. */
  control(job: number, verb: ControlVerb): void {
    const { history } = this.#office
    this.#note(`${verb.verb} ${job}`)
    history.asked(verb.verb, job)
    void this.#ask(async (client) => {
      await client.control(job, verb)
      if (verb.verb === 'cancel') history.cancelled(job)
    })
  }

  /** Tells a run something that it may wait for, now or later, or that has ended. */
  #signal(random: Random): void {
    const job = this.#job(random)
    if (job === undefined) return
    const names = this.#awaited(job)
    const isAwaited = names.length > 0 && random.chance(0.7)
    const name = isAwaited ? random.pick(names) : `signal-${random.integer(1, 12)}`
    for (let left = random.pick([1, 1, 2, 3]); left > 0; left--) this.signal(job, name)
  }

  /** Gives a run what it waits for. What a run had told itself was not told to the fork that has that for done. */
  answer(job: number): void {
    this.#talks.answerAll(job)
    for (const name of this.#awaited(job)) this.signal(job, name)
    if (!isFork(this.#office.tables.jobs.get(job))) return
    for (const name of this.#awaited(job, ECHO))
      this.#send(job, name, Number(name.slice(ECHO.length)), () => undefined)
  }

  #awaited(job: number, beginning = 'signal'): string[] {
    const run = this.#office.tables.runs.get(job)
    return (run === undefined ? [] : waitsOf(run)).flatMap(({ name }) =>
      name.startsWith(beginning) ? [name] : [],
    )
  }

  /** Sends a signal once, with a value that nobody else sends. */
  signal(job: number, name: string): void {
    const value = `${name}#${this.actor.name}.${++this.#signals}`
    this.#send(job, name, value, () => this.#office.runs.signalled(job, JSON.stringify(value)))
  }

  #send(job: number, name: string, value: unknown, sent: () => void): void {
    this.#note(`signal ${job} ${value}`)
    const invoke = async (client: ServedClient): Promise<void> => {
      await client.workflows.signal(job, name, value)
      sent()
    }
    this.#office.network
      .call(this.actor, (life) => invoke(life.client as ServedClient), false)
      .catch(() => {})
  }

  pause(queue: string, paused: boolean): void {
    void this.#ask((client) => client.pauseQueue(queue, paused))
  }

  /** A call that no engine may take: an empty key would stand for every job without one. */
  #malformed(number: number): void {
    void this.#ask(async (client) => {
      const answer = await client.enqueue([{ kind: 'plain', key: '', input: { call: number, index: 0 } }])
      must('D9', false, () => `call ${number} with an empty key made job ${answer[0]?.id}`)
    })
  }

  #get(random: Random): void {
    const job = this.#job(random)
    if (job === undefined) return
    const { history } = this.#office
    void this.#ask((client) => client.get(job)).then((details) => {
      if (details === undefined || details.finishedAt === null) return
      const { id, state, result, error } = details
      history.ended(job, { id, state, result, error })
    })
  }

  #wait(random: Random): void {
    const job = this.#job(random)
    if (job === undefined) return
    const { waiting } = this.#office
    const wait = { job }
    waiting.add(wait)
    void this.#ask((client) => client.wait(job)).then((end) => {
      waiting.delete(wait)
      if (end !== undefined) this.#office.history.ended(job, end)
    })
  }

  /** Asks once; whatever goes wrong is no matter. */
  #ask<T>(invoke: (client: ServedClient) => Promise<T>): Promise<T | undefined> {
    const { network } = this.#office
    return network
      .call(this.actor, (life) => invoke(life.client as ServedClient), true)
      .catch(() => undefined)
  }
}

function codeOf(error: unknown): string {
  return error instanceof PerdureError ? error.code : String(error)
}
