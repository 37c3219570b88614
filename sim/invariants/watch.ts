/**
 * Watch: sees everything that the engine of one life does, and hands it to the checkers: each command in the
 * moment in which it is applied, each answer in the moment in which it leaves, and each call as a client sees it.
 */
import type { Client, WorkerSession } from '../../src/client/client.ts'
import type { Command, Reply } from '../../src/core/apply.ts'
import { Announcer } from '../../src/engine/announcer.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { PerdureError } from '../../src/errors.ts'
import type { Batch } from '../../src/store/store.ts'
import { must } from '../violation.ts'
import type { Ledger } from './ledger.ts'
import type { LiveChecker } from './live.ts'
import type { Recorder } from './recorder.ts'
import { Group, type Witness } from './witness.ts'

/** What callers and workers of a simulated world use of a client. */
export type ServedClient = Pick<
  Client,
  | 'enqueue'
  | 'import'
  | 'control'
  | 'get'
  | 'list'
  | 'wait'
  | 'pauseQueue'
  | 'openWorker'
  | 'close'
  | 'workflows'
>

/** What the watches of all lives share. */
export interface Checkers {
  readonly witness: Witness
  readonly ledger: Ledger
  readonly recorder: Recorder
}

export class Watch {
  readonly live: LiveChecker
  readonly #checkers: Checkers
  #engine: Engine | undefined
  /** Commands since the last commit was issued, and those of the last one. */
  #gathering = new Group()
  #issued: Group | undefined
  /** What has to be durable before the answer to a command may leave. */
  readonly #needed = new WeakMap<Command, { readonly reply: unknown; readonly group: Group | undefined }>()

  constructor(live: LiveChecker, checkers: Checkers) {
    this.live = live
    this.#checkers = checkers
  }

  /** For {@link EngineOptions.onApplied}. */
  readonly onApplied = (command: Command, reply: Reply | PerdureError, now: number): void => {
    const { workingSet } = this.#engine as Engine
    this.live.onCommand(command, reply, now, workingSet)
    this.#gathering.commands.push({ command, reply, now })
    // an answer tells of everything that was applied before it
    const group = workingSet.isDirty ? this.#gathering : this.#issued
    this.#needed.set(command, { reply, group })
  }

  /** The engine issues a commit of what it has gathered. */
  onIssued(batch: Batch): void {
    this.live.onIssued(batch)
    this.#issued = this.#gathering
    this.#gathering = new Group()
    this.#checkers.witness.issued(batch, this.#issued)
  }

  /** The engine reads the shard anew: what it had gathered is gone. */
  onOpened(now: number): void {
    this.live.reset(now)
    this.#gathering = new Group()
    this.#issued = undefined
  }

  /** Begins to watch an engine that was just opened. */
  attach(engine: Engine): void {
    this.live.begin(engine.now())
    this.#engine = engine
    const { announcer, leases } = engine
    announcer.note = (before, after, at) => {
      this.live.onJob(before, after, at, engine.workingSet)
      Announcer.prototype.note.call(announcer, before, after, at)
    }
    const { renew } = leases
    leases.renew = (job, attempt, nonce, now) => {
      const isRenewed = renew.call(leases, job, attempt, nonce, now)
      if (isRenewed) {
        this.live.onRenewed(job, attempt, nonce, now)
        this.#checkers.ledger.renewed(`${job}.${attempt}.${nonce}`)
      }
      return isRenewed
    }
    const { post } = engine
    engine.post = (command, done, restart) => {
      const answer: typeof done = (reply) => {
        this.#checkDurable(command, reply)
        done(reply)
      }
      post.call(engine, command, answer, restart)
    }
  }

  #checkDurable(command: Command, reply: unknown): void {
    const needed = this.#needed.get(command)
    if (needed === undefined || needed.reply !== reply || needed.group === undefined) return
    must(
      'D2',
      needed.group.isLanded,
      () => `the answer to ${command.type} left before what it tells was durable`,
    )
  }

  /** A client of the engine whose calls are written down. */
  recorded(client: Client): ServedClient {
    const { recorder } = this.#checkers
    const isFenced = (): boolean => this.live.isSuperseded
    return {
      enqueue: (jobs, options) => recorder.enqueue(() => client.enqueue(jobs, options)),
      import: (jobs) => recorder.enqueue(() => client.import(jobs)),
      control: (id, verb) => recorder.control(id, verb.verb, () => client.control(id, verb), isFenced),
      get: (id) => recorder.get(id, () => client.get(id)),
      list: (query) => client.list(query),
      wait: (id, signal) => recorder.wait(id, () => client.wait(id, signal)),
      pauseQueue: (queue, paused) => client.pauseQueue(queue, paused),
      workflows: client.workflows,
      close: () => client.close(),
      openWorker: async (info) => this.#session(await client.openWorker(info)),
    }
  }

  #session(session: WorkerSession): WorkerSession {
    const { recorder, ledger } = this.#checkers
    return {
      workflows: session.workflows,
      poll: async (request, signal) =>
        ledger.granted(request, await recorder.poll(() => session.poll(request, signal))),
      report: async (reports) => {
        const accepted = await recorder.report(reports, () => session.report(reports))
        return ledger.reported(reports, accepted)
      },
      heartbeat: (tokens) => session.heartbeat(tokens),
      log: (entries) => session.log(entries),
      progress: (token, fraction, message) => session.progress(token, fraction, message),
      tell: (status) => session.tell(status),
      record: (records) => session.record(records),
      onNotice: (listener) => session.onNotice(listener),
      close: () => session.close(),
    }
  }
}
