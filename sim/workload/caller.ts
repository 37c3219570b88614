/**
 * Callers: clients that enqueue, control and read, and try again where they do not know what became of a call.
 */
import type { Client, ImportedJob } from '../../src/client/client.ts'
import type { ControlVerb, JobSpec } from '../../src/client/types.ts'
import { PerdureError } from '../../src/errors.ts'
import { type Call, type History, isInDoubt } from '../invariants/history.ts'
import type { Random } from '../random.ts'
import type { Feature, Swarm } from '../swarm.ts'
import { Actor, MachineClock } from '../world/actor.ts'
import type { Network } from '../world/network.ts'
import { QUEUES } from '../world/worker.ts'
import type { Specs } from './specs.ts'

/** What callers share. */
export interface Office {
  readonly network: Network
  readonly random: Random
  readonly swarm: Swarm
  readonly history: History
  readonly specs: Specs
  /** Ids that callers have heard of. */
  readonly known: number[]
  calls: number
}

/** A call is tried again for this long: less than a request id is remembered. */
const TRIES = 8
const TRY_AGAIN_MS = 2_000

export class Caller {
  readonly actor: Actor
  readonly #office: Office

  constructor(name: string, office: Office) {
    this.#office = office
    const { scheduler } = office.network
    this.actor = new Actor(name, scheduler, new MachineClock(scheduler))
  }

  #uses(feature: Feature): boolean {
    return this.#office.swarm.features.includes(feature)
  }

  /** Does one thing, whatever is drawn. */
  act(): void {
    const { random } = this.#office
    const what = random.weighted({
      enqueue: 50,
      repeat: this.#uses('keys') ? 8 : 0,
      import: this.#uses('imports') ? 4 : 0,
      control: this.#uses('controls') ? 25 : 2,
      pause: this.#uses('pausing') ? 4 : 0,
      get: 8,
      list: 4,
      wait: 6,
    })
    this.#note(what)
    if (what === 'enqueue') this.enqueue()
    else if (what === 'repeat') this.#repeat()
    else if (what === 'import') this.#import()
    else if (what === 'control') this.#control()
    else if (what === 'pause') this.pause(random.pick(QUEUES), random.chance(0.5))
    else if (what === 'get') this.#get()
    else if (what === 'list') void this.#ask((client) => client.list({ limit: 20 }))
    else this.#wait()
  }

  #note(text: string): void {
    this.#office.network.scheduler.trace(`${this.actor.name}: ${text}`)
  }

  #job(): number | undefined {
    const { known, random } = this.#office
    return known.length === 0 ? undefined : random.pick(random.chance(0.7) ? known.slice(-15) : known)
  }

  enqueue(): void {
    const { history, specs, known } = this.#office
    const number = ++this.#office.calls
    const jobs = specs.call(number, known)
    const call: Call = {
      number,
      specs: jobs,
      isRepeat: false,
      fate: 'open',
      wasInDoubt: false,
      answer: undefined,
    }
    history.begin(call)
    this.#try(call, this.#uses('requests') ? `request-${number}` : undefined, 1)
  }

  /** The same jobs once more, as a caller does that has forgotten. */
  #repeat(): void {
    const { history, random } = this.#office
    const keyed = [...history.calls.values()].filter(({ specs }) =>
      specs.every(({ key }) => key !== undefined),
    )
    if (keyed.length === 0) return
    const { specs } = random.pick(keyed)
    const number = ++this.#office.calls
    const call: Call = { number, specs, isRepeat: true, fate: 'open', wasInDoubt: false, answer: undefined }
    history.begin(call)
    this.#try(call, undefined, TRIES)
  }

  #try(call: Call, request: string | undefined, tried: number): void {
    const { network, history, known, random } = this.#office
    const options = request === undefined ? {} : { request }
    // a second copy of the request may arrive after the first was refused
    if (request !== undefined && this.#office.swarm.faults.includes('duplicates')) call.wasInDoubt = true
    const invoke = async (client: Client) => {
      const answer = await client.enqueue(call.specs, options)
      history.enqueued(answer)
      return answer
    }
    network
      .call(this.actor, (life) => invoke(life.client as Client), request !== undefined)
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
          if (!isOver) this.actor.after(random.about(TRY_AGAIN_MS), () => this.#try(call, request, tried + 1))
          else if (isInDoubt(error)) call.fate = 'unknown'
          else history.refused(call)
        },
      )
  }

  #import(): void {
    const { network, specs, random, history, known } = this.#office
    const number = ++this.#office.calls
    const jobs = specs.call(number, []).map((spec) => this.#past(spec))
    const call: Call = {
      number,
      specs: jobs,
      isRepeat: false,
      fate: 'open',
      wasInDoubt: false,
      answer: undefined,
    }
    history.begin(call)
    const invoke = async (client: Client) => {
      const answer = await client.import(jobs)
      history.enqueued(answer)
      return answer
    }
    network
      .call(this.actor, (life) => invoke(life.client as Client), random.chance(0))
      .then(
        (answer) => {
          history.settled(call, answer)
          for (const { id } of answer) known.push(id)
        },
        (error: unknown) => {
          if (isInDoubt(error)) call.fate = 'unknown'
          else history.refused(call)
        },
      )
  }

  #past({ after: _, ...spec }: JobSpec): ImportedJob {
    const { random } = this.#office
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
    return { ...spec, createdAt, state, history }
  }

  #control(): void {
    const job = this.#job()
    if (job !== undefined) this.control(job, this.#office.specs.verb())
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

  pause(queue: string, paused: boolean): void {
    void this.#ask((client) => client.pauseQueue(queue, paused))
  }

  #get(): void {
    const job = this.#job()
    if (job === undefined) return
    const { history } = this.#office
    void this.#ask((client) => client.get(job)).then((details) => {
      if (details === undefined || details.finishedAt === null) return
      const { id, state, result, error } = details
      history.ended(job, { id, state, result, error })
    })
  }

  #wait(): void {
    const job = this.#job()
    if (job === undefined) return
    void this.#ask((client) => client.wait(job)).then((end) => {
      if (end !== undefined) this.#office.history.ended(job, end)
    })
  }

  /** Asks once; whatever goes wrong is no matter. */
  #ask<T>(invoke: (client: Client) => Promise<T>): Promise<T | undefined> {
    const { network } = this.#office
    return network.call(this.actor, (life) => invoke(life.client as Client), true).catch(() => undefined)
  }
}

function codeOf(error: unknown): string {
  return error instanceof PerdureError ? error.code : String(error)
}
