/**
 * The driver: lets virtual time pass, from one thing that happens to the next, as long as somebody waits for something.
 *
 * Owns: when all is calm, and how far time goes then. A calm moment is one in which no code of users runs, no command is
 * under way and no promise of a run is about to settle. Nothing here ends before that is so.
 */
import { DUE_LINE } from '../core/model/line.ts'
import type { Engine } from '../engine/engine.ts'
import { EXPIRY_LINE } from '../store/store.ts'
import { passesMade } from '../workflow/turns.ts'
import type { Activity } from './activity.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Turns of the event loop in which nothing happened, after which nothing will by itself. */
const CALM_TURNS = 4
/**
 * Timers that may go off one after another without any effect: looks at leases, twice a second, mostly. So a step that never
 * ends may have a time limit of some hours.
 */
const MOST_IDLE = 20_000
/** The same where the store has failed: its engine comes back soon, or not at all. */
const MOST_IDLE_CLOSED = 100
/** How long a test may take between two of its own calls, ms of real time, before nothing counts as coming from it. */
const TEST_TURN_MS = 20

/** What could be done next. */
type Move = 'moved' | 'later' | 'nothing'

export class Driver {
  readonly #engine: Engine
  readonly #time: VirtualTime
  readonly #activity: Activity
  readonly #patienceMs: number
  #idle = 0
  #seen = ''
  /** Code of users went on no more since the activity had changed so often. */
  #stuckAt = -1
  /** Moves are made one after another, whoever asks for them. */
  #last: Promise<unknown> = Promise.resolve()

  /** @param patienceMs how long code of users may take, real time, before time passes in spite of it. */
  constructor(engine: Engine, time: VirtualTime, activity: Activity, patienceMs: number) {
    this.#engine = engine
    this.#time = time
    this.#activity = activity
    this.#patienceMs = patienceMs
  }

  /** Waits until nothing happens any more without time passing. */
  async settle(): Promise<void> {
    await this.#calm()
    const activity = this.#activity
    while (activity.names.length > 0 && this.#stuckAt !== activity.changes) {
      this.#stuckAt = activity.changes
      await this.#whileBusy()
      await this.#calm()
    }
  }

  /** Lets time pass for so long, ms, with all that happens in it. */
  async advance(ms: number): Promise<void> {
    const end = this.#time.monotonic() + ms
    for (let move: Move = 'moved'; move === 'moved'; ) move = await this.#move(end)
    this.#time.jumpTo(end)
    await this.settle()
  }

  /** Lets time pass until something is so. Answers false where it can never be. */
  async until(isSo: () => boolean): Promise<boolean> {
    while (!isSo()) {
      if ((await this.#move(Infinity)) === 'moved') continue
      // the test itself may be about to do something
      const before = this.#fingerprint()
      await realTime(TEST_TURN_MS)
      await this.#calm()
      if (before === this.#fingerprint()) return isSo()
    }
    return true
  }

  /** Goes on until something is so that needs nothing but time, and not much of it: the end of workers. */
  async drain(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await this.settle()
      if (!isSo()) this.#time.fireNext()
    }
  }

  #move(limit: number): Promise<Move> {
    const next = this.#last.then(() => this.#moveOnce(limit))
    this.#last = next.catch(() => {})
    return next
  }

  async #moveOnce(limit: number): Promise<Move> {
    await this.settle()
    const fingerprint = this.#fingerprint()
    this.#idle = fingerprint === this.#seen ? this.#idle + 1 : 0
    this.#seen = fingerprint
    const time = this.#time
    const due = this.#engine.leases.size > 0 ? time.monotonic() : this.#nextDueAt()
    const most = this.#engine.isOpen ? MOST_IDLE : MOST_IDLE_CLOSED
    if (due === Infinity || this.#idle > most) return 'nothing'
    if (due > limit) return 'later'
    // Nobody works: what workers do from time to time has no effect, and is not waited for one by one.
    time.jumpTo(due)
    const { nextAt } = time
    if (nextAt > limit) return nextAt === Infinity ? 'nothing' : 'later'
    time.fireNext()
    return 'moved'
  }

  /** When the next job is due, or too late, by the monotonic clock. */
  #nextDueAt(): number {
    const { lines } = this.#engine.workingSet
    const due = lines.get(DUE_LINE)?.at(0)?.rank ?? Infinity
    const expiry = lines.get(EXPIRY_LINE)?.at(0)?.rank ?? Infinity
    return Math.min(due, expiry) - this.#time.now() + this.#time.monotonic()
  }

  /** What changes when something happens. */
  #fingerprint(): string {
    const { epoch, sequence } = this.#engine.position
    return `${epoch}.${sequence}.${this.#activity.changes}`
  }

  async #calm(): Promise<void> {
    for (let calm = 0, seen = ''; calm < CALM_TURNS; ) {
      await new Promise((resolve) => setImmediate(resolve))
      const now = `${this.#fingerprint()}.${this.#time.changes}.${passesMade()}`
      calm = now === seen ? calm + 1 : 0
      seen = now
    }
  }

  /** Waits, for as long as patience lasts, until the code of users has gone on. */
  async #whileBusy(): Promise<void> {
    const { changes } = this.#activity
    const until = performance.now() + this.#patienceMs
    while (this.#activity.changes === changes && performance.now() < until) await realTime(1)
  }
}

function realTime(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
