/**
 * Duties: what the owner of a shard does by itself as time passes: jobs become due, starts run late, leases
 * run out, retention ends. One timer for the next moment of each, none per job.
 */
import { DUE_LINE } from '../core/model/line.ts'
import { PerdureError } from '../errors.ts'
import { EXPIRY_LINE, type KeyPlace } from '../store/store.ts'
import { Cascade } from './cascade.ts'
import type { Engine } from './engine.ts'
import type { Overdue } from './leases.ts'
import type { Task } from './task.ts'

/** Jobs that one command moves on at most: bounds how long a turn takes. */
const MOST_DUE = 1_000
/** How long nobody must have asked for work before due jobs become ready all the same, and then how often, ms. */
const UNASKED_AFTER_MS = 100
const UNASKED_EVERY_MS = 20
/** Expiries handled in one turn. */
const MOST_EXPIRED = 200
/** How many looks for ended retention there are to one for keys that nobody needs any more: those are in nobody's way. */
const LOOKS_PER_KEY_LOOK = 60
/** How often leases are looked through while anything runs, ms. */
const REAP_EVERY_MS = 500
/** A look that comes this much late, ms, means that the owner itself was away: every lease gets a fresh term. */
const AWAY_MS = 2_000

export class Duties {
  readonly #engine: Engine
  readonly #retentionEveryMs: number
  #isDueBusy = false
  /** Monotonic moment from which jobs may become ready though nobody asks. */
  #unaskedFrom = 0
  readonly #expiring = new Set<number>()
  readonly #cascade: Cascade
  #armedFor = Infinity
  #disarm: (() => void) | undefined
  #stopReaping: (() => void) | undefined
  #stopPurging: (() => void) | undefined
  #isStopped = true
  #looks = 0

  constructor(engine: Engine, retentionEveryMs: number) {
    this.#engine = engine
    this.#cascade = new Cascade(engine)
    this.#retentionEveryMs = retentionEveryMs
  }

  start(): void {
    this.#isStopped = false
    this.#schedulePurge()
    this.arm()
  }

  stop(): void {
    this.#isStopped = true
    this.#disarm?.()
    this.#disarm = undefined
    this.#armedFor = Infinity
    this.#stopReaping?.()
    this.#stopReaping = undefined
    this.#stopPurging?.()
  }

  /** The commands whose moment has come. What a cascade has left to do comes by itself. */
  tasks(now: number): Task[] {
    const { lines } = this.#engine.workingSet
    const tasks: Task[] = []
    this.#cascade.next()
    const due = this.#dueTask(now)
    if (due !== undefined) tasks.push(due)
    const expiry = lines.get(EXPIRY_LINE)
    for (let position = 0; position < MOST_EXPIRED; position++) {
      const place = expiry?.at(position)
      if (place === undefined || place.rank > now) break
      if (this.#expiring.has(place.id)) continue
      this.#expiring.add(place.id)
      tasks.push({
        command: { type: 'expire', job: place.id },
        done: () => this.#expiring.delete(place.id),
      })
    }
    return tasks
  }

  /**
   * Moves jobs on whose time has come: as many as workers ask for, so that becoming ready and being leased is
   * one change; and many every now and then when nobody asks.
   */
  #dueTask(now: number): Task | undefined {
    const { workingSet, surroundings } = this.#engine
    const due = workingSet.lines.get(DUE_LINE)?.at(0)
    if (due === undefined || due.rank > now || this.#isDueBusy) return undefined
    const demand = this.#engine.demand(MOST_DUE)
    const time = surroundings.monotonic()
    if (demand === 0 && time < this.#unaskedFrom) return undefined
    this.#unaskedFrom = time + (demand === 0 ? UNASKED_EVERY_MS : UNASKED_AFTER_MS)
    const most = demand === 0 ? MOST_DUE : demand
    this.#isDueBusy = true
    return {
      command: { type: 'due', most },
      done: () => {},
      applied: () => {
        this.#isDueBusy = false
      },
    }
  }

  /** A shard was opened anew: nothing is under way any more. */
  reset(): void {
    this.#isDueBusy = false
    this.#expiring.clear()
  }

  /** Sets the timers for what comes next. */
  arm(): void {
    if (this.#isStopped) return
    if (this.#engine.leases.size > 0) this.#scheduleReap()
    const { lines } = this.#engine.workingSet
    const due = this.#isDueBusy ? Infinity : (lines.get(DUE_LINE)?.at(0)?.rank ?? Infinity)
    const next = Math.min(due, lines.get(EXPIRY_LINE)?.at(0)?.rank ?? Infinity)
    const { surroundings } = this.#engine
    // The clock may be behind the time of the shard.
    const isLate = due <= this.#engine.now()
    if (next === this.#armedFor && !isLate) return
    this.#disarm?.()
    this.#disarm = undefined
    this.#armedFor = next
    if (next === Infinity) return
    const waitMs = isLate ? this.#unaskedFrom - surroundings.monotonic() : next - surroundings.now()
    this.#disarm = surroundings.after(Math.max(1, waitMs), () => {
      this.#armedFor = Infinity
      this.#engine.wake()
    })
  }

  #scheduleReap(): void {
    if (this.#stopReaping !== undefined) return
    const { surroundings } = this.#engine
    const asleepAt = surroundings.monotonic()
    const asleepAtWall = surroundings.now()
    this.#stopReaping = surroundings.after(REAP_EVERY_MS, () => {
      this.#stopReaping = undefined
      if (this.#isStopped) return
      const slept = surroundings.monotonic() - asleepAt
      // A wall clock that ran ahead was set, or went on while the machine slept.
      const jumped = surroundings.now() - asleepAtWall - slept
      // While the shard is opened anew, every lease is about to get a new term.
      if (this.#engine.isOpen) this.#reap(slept - REAP_EVERY_MS > AWAY_MS || jumped > AWAY_MS)
      if (this.#engine.leases.size > 0) this.#scheduleReap()
    })
  }

  #reap(wasAway: boolean): void {
    const { leases } = this.#engine
    const now = this.#engine.now()
    if (wasAway) leases.refresh(now)
    // A reload gives every lease a new term: what is decided here by the old one does not outlive it (L5).
    for (const overdue of leases.overdue(now)) this.lose(overdue, () => {})
  }

  /**
   * Ends an attempt without its worker, and tries again when that could not be written: a lease of a worker of
   * this process never runs out, so nobody else would end it. One that can be found overdue again says `restart`.
   */
  lose(lease: Overdue, restart?: () => void): void {
    const { surroundings } = this.#engine
    const { job, attempt, nonce, cause } = lease
    const done: Task['done'] = (reply) => {
      if (!(reply instanceof PerdureError) || !reply.retryable || restart !== undefined) return
      surroundings.after(REAP_EVERY_MS, () => this.#isStopped || this.lose(lease))
    }
    const random = surroundings.random()
    this.#engine.post({ type: 'lose', job, attempt, nonce, cause, random }, done, restart)
  }

  #schedulePurge(): void {
    if (this.#retentionEveryMs === 0) return
    this.#stopPurging = this.#engine.surroundings.after(this.#retentionEveryMs, () => {
      const again = () => {
        if (!this.#isStopped) this.#schedulePurge()
      }
      const look = async () => {
        await this.#purge()
        if (this.#looks++ % LOOKS_PER_KEY_LOOK === 0) await this.#forgetKeys()
      }
      // A failed look is followed by the next one; nothing depends on this one.
      void look().then(again, again)
    })
  }

  /** Deletes the jobs whose retention is over, a bounded look at a time. */
  async #purge(): Promise<void> {
    const engine = this.#engine
    let from: number | null = 0
    while (from !== null && !this.#isStopped) {
      const { ids, next }: { ids: readonly number[]; next: number | null } = await engine.reads.expired(
        engine.now(),
        from,
      )
      // A job that was restarted meanwhile refuses, which is what should happen.
      await Promise.allSettled(ids.map((job) => engine.submit({ type: 'control', verb: 'delete', job })))
      from = next
    }
  }

  /** Takes out keys that outlived their jobs, when their window is over. */
  async #forgetKeys(): Promise<void> {
    const engine = this.#engine
    let after: KeyPlace | null = { namespace: 0, key: '' }
    while (after !== null && !this.#isStopped) {
      const { keys, next }: { keys: readonly KeyPlace[]; next: KeyPlace | null } =
        await engine.reads.expiredKeys(engine.now(), after)
      if (keys.length > 0) await engine.submit({ type: 'forget', keys })
      after = next
    }
  }
}
