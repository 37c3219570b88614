/**
 * Disk: a store whose every moment can go wrong. What has landed is durable; what was issued and has not
 * landed may land, get lost with a crash, or (networked) land later, when another owner may already be there.
 *
 * The rows are those of the memory store; the fence is the disk's own, so that it can be watched.
 */
import type { JobRow } from '../../src/core/model/job.ts'
import { RUNNING_LINE } from '../../src/core/model/line.ts'
import { perdureError } from '../../src/errors.ts'
import { check } from '../../src/store/memory/check.ts'
import { load } from '../../src/store/memory/load.ts'
import { createReads } from '../../src/store/memory/reads.ts'
import { Tables } from '../../src/store/memory/tables.ts'
import type { Batch, Loaded, LoadRequest, Opening, Store, StoreReads } from '../../src/store/store.ts'
import type { Random } from '../random.ts'
import type { Cut } from '../scenario.ts'
import type { Fault, Swarm } from '../swarm.ts'
import { must, Violation } from '../violation.ts'
import type { Actor } from './actor.ts'
import type { Scheduler } from './scheduler.ts'

const SMALL_SPACES: ReadonlySet<string> = new Set(['namespace', 'queue', 'kind', 'class'])

/** What a watcher of the disk hears. */
export interface DiskWatcher {
  /** A commit is about to take effect; the tables still show what was before. */
  onLanding(batch: Batch): void
  /** It has taken effect. */
  onLanded(batch: Batch): void
  /** An owner was given the shard. */
  onOpened(opening: Opening, owner: Actor): void
  /** An owner issues a commit. */
  onIssued(batch: Batch, owner: Actor): void
  /** The process of an owner dies in the middle of an operation. */
  onCut(owner: Actor): void
}

export class Disk {
  readonly tables = new Tables()
  readonly scheduler: Scheduler
  readonly random: Random
  readonly swarm: Swarm
  epoch = 0
  sequence = 0
  watcher: DiskWatcher | undefined
  /** How many operations stores were asked for so far. */
  operations = 0
  /** Deaths that are planned, by number of the operation. */
  cuts: ReadonlyMap<number, Cut[1]> = new Map()
  readonly #fates: Random
  /** Whether a kind of fault may happen now. */
  readonly #has: (fault: Fault) => boolean

  constructor(scheduler: Scheduler, random: Random, swarm: Swarm, has: (fault: Fault) => boolean) {
    this.scheduler = scheduler
    this.random = random
    this.#fates = random.fork('fates')
    this.swarm = swarm
    this.#has = has
  }

  /** The store as one process sees it. */
  connect(actor: Actor): Connection {
    return new Connection(this, actor)
  }

  /** Rows that contradict each other, as sentences. */
  check(): string[] {
    return check(this.tables)
  }

  /** One fenced transaction. */
  land(batch: Batch): void {
    if (batch.epoch !== this.epoch || batch.sequence !== this.sequence + 1) throw fencedError(this, batch)
    this.watcher?.onLanding(batch)
    this.tables.verify(batch)
    this.tables.apply(batch)
    this.sequence = batch.sequence
    this.watcher?.onLanded(batch)
    this.scheduler.trace(`disk: ${batch.epoch}/${batch.sequence} landed, ${batch.jobs.length} jobs`)
  }

  acquire(owner: Actor): Opening {
    const epoch = this.epoch + 1
    must('O2', epoch > this.epoch, () => `epoch ${epoch} after ${this.epoch}`)
    this.epoch = epoch
    const { nextJobId, nextNameId, time, names, queues, jobs } = this.tables
    const running = this.tables.line(RUNNING_LINE).from(undefined)
    const opening: Opening = {
      epoch,
      sequence: this.sequence,
      nextJobId,
      nextNameId,
      time,
      names: [...names.values()].filter((row) => SMALL_SPACES.has(row.space)),
      queues: [...queues.values()],
      running: Array.from(running, (id) => jobs.get(id) as JobRow),
    }
    this.watcher?.onOpened(opening, owner)
    return opening
  }

  /** Lets a process die here, if that is planned. Answers whether it did. */
  cut(operation: number, moment: Cut[1], owner: Actor): boolean {
    if (this.cuts.get(operation) !== moment) return false
    this.scheduler.trace(`${owner.name}: cut ${moment} operation ${operation}`)
    this.watcher?.onCut(owner)
    return true
  }

  /** Draws what becomes of a commit. */
  fate(): 'ok' | 'refuse' | 'lose-ack' | 'late' {
    const random = this.#fates
    if (this.#has('commitFailures') && random.chance(0.02)) return 'refuse'
    if (this.#has('lostAcks') && random.chance(0.02)) return 'lose-ack'
    if (this.#has('lateCommits') && random.chance(0.02)) return 'late'
    return 'ok'
  }

  /** How long an operation takes. */
  delay(): number {
    const { random, swarm } = this
    const slow = this.#has('slowness') && random.chance(0.02) ? 100 : 1
    return 0.01 + random.about(swarm.commitMs) * slow
  }
}

/** A commit that was issued and has not landed. */
interface Pending {
  readonly batch: Batch
  /** Number of the operation. */
  readonly operation: number
  cancel: () => void
}

export class Connection implements Store {
  readonly name = 'sim:'
  readonly reads: StoreReads
  readonly #disk: Disk
  readonly #actor: Actor
  #freeAt = 0
  #answeredAt = 0
  /** As its owner knows it. */
  #state: 'closed' | 'open' | 'failed' = 'closed'
  /** A commit has failed, of which the owner may not have heard yet: it may be paused, or hear of others first. */
  #isCut = false
  /** The owner's, from its opening. */
  #epoch = 0
  #unacknowledged = 0
  readonly #pending = new Set<Pending>()

  constructor(disk: Disk, actor: Actor) {
    this.#disk = disk
    this.#actor = actor
    const facts = () => ({ epoch: disk.epoch, sequence: disk.sequence })
    this.reads = createReads(disk.tables, facts, (read) => this.#read(read))
  }

  open(): Promise<Opening> {
    return this.#inTurn(() => {
      for (const pending of this.#pending) this.#settlePending(pending)
      this.#state = 'open'
      this.#isCut = false
      const opening = this.#disk.acquire(this.#actor)
      this.#epoch = opening.epoch
      return opening
    })
  }

  commit(batch: Batch): Promise<void> {
    must('D7', this.#state === 'open', () => `commit ${batch.sequence} on a store that is ${this.#state}`)
    this.#disk.watcher?.onIssued(batch, this.#actor)
    const fate = this.#disk.fate()
    const { scheduler } = this.#disk
    scheduler.trace(`${this.#actor.name}: commit ${batch.epoch}/${batch.sequence} ${fate}`)
    this.#unacknowledged++
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => {
        if (error !== undefined) this.#isCut = true
        this.#actor.run(() => {
          this.#unacknowledged--
          if (error === undefined) {
            resolve()
            return
          }
          this.#state = 'failed'
          reject(error)
        })
      }
      const pending: Pending = { batch, operation: this.#disk.operations++, cancel: () => {} }
      this.#pending.add(pending)
      const known = this.#isCut ? 'refuse' : fate
      pending.cancel = this.#schedule(() => this.#execute(pending, known, settle))
    })
  }

  #execute(pending: Pending, fate: ReturnType<Disk['fate']>, settle: (error?: unknown) => void): void {
    const { scheduler, random } = this.#disk
    const later = (error?: unknown): void => {
      this.#answeredAt = Math.max(this.#answeredAt, scheduler.now + this.#disk.delay() / 2)
      scheduler.after(this.#answeredAt - scheduler.now, () => settle(error))
    }
    if (this.#disk.cut(pending.operation, 'before', this.#actor)) return
    if (fate === 'refuse') {
      this.#pending.delete(pending)
      later(failedError('that it was refused'))
    } else if (fate === 'late') {
      pending.cancel = scheduler.after(random.about(this.#disk.swarm.commitMs * 20), () =>
        this.#land(pending),
      )
      later(failedError('that the connection was cut'))
    } else {
      const error = this.#land(pending)
      if (this.#disk.cut(pending.operation, 'after', this.#actor)) return
      later(error ?? (fate === 'lose-ack' ? failedError('no acknowledgement') : undefined))
    }
  }

  #land(pending: Pending): unknown {
    this.#pending.delete(pending)
    try {
      this.#disk.land(pending.batch)
      return undefined
    } catch (error) {
      if ((error as { code?: string }).code === 'FENCED') return error
      const found = error instanceof Error ? error.message : String(error)
      this.#disk.scheduler.fail(error instanceof Violation ? error : new Violation('D3', found))
      return error
    }
  }

  /** What a file has of a commit whose sync failed is known when it is opened again; a server's goes on alone. */
  #settlePending(pending: Pending): void {
    const { swarm, random, scheduler } = this.#disk
    if (swarm.store === 'network' && random.chance(0.5)) return
    pending.cancel()
    const survives = random.chance(0.5)
    scheduler.trace(
      `${this.#actor.name}: commit ${pending.batch.sequence} ${survives ? 'had landed' : 'is gone'}`,
    )
    if (survives) this.#land(pending)
    else this.#pending.delete(pending)
  }

  load(request: LoadRequest): Promise<Loaded> {
    return this.#inTurn(() => {
      const { epoch, tables } = this.#disk
      if (this.#epoch !== epoch)
        throw replacedError(`a read of epoch ${epoch}`, `one of epoch ${this.#epoch}`)
      return load(tables, request)
    })
  }

  close(): Promise<void> {
    must('O5', this.#unacknowledged === 0, () => `${this.#unacknowledged} commits in flight at the close`)
    return this.#inTurn(() => {
      this.#state = 'closed'
    })
  }

  /** The process is gone: what it had issued is there or not. */
  crash(): void {
    for (const pending of [...this.#pending]) {
      if (this.#disk.cuts.has(pending.operation)) this.#pending.delete(pending)
      else this.#settlePending(pending)
    }
    this.#state = 'closed'
  }

  /** Runs an operation at its turn; the answer goes to the actor, behind those of the commits before it. */
  #inTurn<T>(work: () => T): Promise<T> {
    const operation = this.#disk.operations++
    return new Promise((resolve, reject) => {
      this.#schedule(() => {
        if (this.#disk.cut(operation, 'before', this.#actor)) return
        if (this.#disk.cuts.get(operation) !== 'after') this.#answer(work, resolve, reject, this.#answeredAt)
        else if (this.#actor.isAlive) {
          work()
          this.#disk.cut(operation, 'after', this.#actor)
        }
      })
    })
  }

  /** Reads have connections of their own. */
  #read<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#disk.scheduler.after(this.#disk.delay(), () => this.#answer(work, resolve, reject))
    })
  }

  /** Does the work now, and answers then or later. */
  #answer<T>(
    work: () => T,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    at = this.#disk.scheduler.now,
  ): void {
    if (!this.#actor.isAlive) return
    const answer = outcomeOf(work, resolve, reject)
    const { scheduler } = this.#disk
    if (at <= scheduler.now) this.#actor.run(answer)
    else scheduler.after(at - scheduler.now, () => this.#actor.isAlive && this.#actor.run(answer))
  }

  #schedule(act: () => void): () => void {
    const { scheduler } = this.#disk
    this.#freeAt = Math.max(this.#freeAt, scheduler.now) + this.#disk.delay()
    return scheduler.after(this.#freeAt - scheduler.now, act)
  }
}

function fencedError(disk: Disk, batch: Batch) {
  const expected = `a commit of epoch ${disk.epoch}, sequence ${disk.sequence + 1}`
  return replacedError(expected, `one of epoch ${batch.epoch}, sequence ${batch.sequence}`)
}

function replacedError(expected: string, found: string) {
  return perdureError('FENCED', { expected, found, fix: 'Stop this owner; the other one has the data' })
}

function failedError(found: string) {
  return perdureError('STORE_FAILED', {
    expected: 'the store to acknowledge a commit',
    found,
    fix: 'Open the store anew; that tells whether the commit took effect',
  })
}

/** Does the work; answers how to tell what came of it. */
function outcomeOf<T>(
  work: () => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): () => void {
  try {
    const value = work()
    return () => resolve(value)
  } catch (error) {
    return () => reject(error)
  }
}
