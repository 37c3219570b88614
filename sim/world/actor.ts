/**
 * Actors: what runs on a simulated machine, and the machine's clock. An actor that is killed does nothing any
 * more; one that is paused does it all later.
 */
import type { Clock } from '../../src/runtime/clock.ts'
import type { Surroundings } from '../../src/runtime/services.ts'
import type { Timers } from '../../src/runtime/timers.ts'
import { Turns } from '../../src/workflow/turns.ts'
import type { Random } from '../random.ts'
import type { Scheduler } from './scheduler.ts'

/** When the world begins, epoch ms. */
const BEGINNING = 1_700_000_000_000

/** Whoever was away for this long notices it, ms. */
const ABSENCE_MS = 3_000

/** A machine's clock: it may drift, and be set. */
export class MachineClock implements Clock {
  readonly #scheduler: Scheduler
  #base = 0
  #passed = 0
  #rate = 1
  #step = 0
  /** Wall times of the latest absence: a pause, or a step forward, which looks like one. */
  absence = { from: 0, to: 0 }

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  get rate(): number {
    return this.#rate
  }

  /** Runs faster or slower from now on. */
  drift(rate: number): void {
    this.#passed = this.monotonic()
    this.#base = this.#scheduler.now
    this.#rate = rate
  }

  /** Somebody sets the clock. */
  step(ms: number): void {
    const { from, to } = this.absence
    if (ms > ABSENCE_MS) this.absence = { from: this.now(), to: this.now() + ms }
    else if (ms < 0) this.absence = { from: from + ms, to: to + ms }
    this.#step += ms
  }

  now(): number {
    return BEGINNING + Math.floor(this.monotonic() + this.#step)
  }

  monotonic(): number {
    return this.#passed + (this.#scheduler.now - this.#base) * this.#rate
  }
}

/** The actor whose event is happening. */
let current: Actor | undefined

/** What runs now; undefined between actors. */
export const currentActor = (): Actor | undefined => current

/** One life of a process. */
export class Actor {
  readonly name: string
  readonly scheduler: Scheduler
  readonly clock: MachineClock
  /** What waits for the end of a turn of its event loop. */
  readonly turns = new Turns()
  isAlive = true
  #isPaused = false
  #pausedAt = 0
  #pausedAtWall = 0
  #parked: (() => void)[] = []

  constructor(name: string, scheduler: Scheduler, clock: MachineClock) {
    this.name = name
    this.scheduler = scheduler
    this.clock = clock
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  kill(): void {
    this.isAlive = false
    this.#parked = []
  }

  pause(): void {
    this.#isPaused = true
    this.#pausedAt = this.scheduler.now
    this.#pausedAtWall = this.clock.now()
  }

  /** Goes on; what has come meanwhile happens now, in its order. */
  resume(): void {
    this.#isPaused = false
    const isLong = this.scheduler.now - this.#pausedAt > ABSENCE_MS
    if (this.isAlive && isLong) this.clock.absence = { from: this.#pausedAtWall, to: this.clock.now() }
    const parked = this.#parked
    this.#parked = []
    for (const act of parked) this.scheduler.after(0, () => this.run(act))
  }

  /** Does something as this actor, now or once it is awake. */
  run(act: () => void): void {
    if (!this.isAlive) return
    if (this.#isPaused) {
      this.#parked.push(act)
      return
    }
    current = this
    act()
  }

  /** Calls `act` after `ms` of this machine's time. */
  after(ms: number, act: () => void): () => void {
    const { rate } = this.clock
    // a hair more where rounding could make it early
    return this.scheduler.after(rate === 1 ? ms : ms / rate + 0.002, () => this.run(act))
  }

  timers(): Timers {
    return {
      after: (ms, act) => {
        const cancel = this.after(ms, act)
        return { cancel }
      },
    }
  }

  surroundings(random: Random): Surroundings {
    return {
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      defer: (fn) => void this.after(0, fn),
      after: (ms, fn) => this.after(ms, fn),
      random: () => random.unit(),
      nonce: () => random.nonce(),
    }
  }
}
