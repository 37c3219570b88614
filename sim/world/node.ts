/**
 * Node: a process with an engine, which may crash at any moment and be started again on what the disk has.
 */
import { hostname } from 'node:os'
import { createEmbeddedClient } from '../../src/client/embedded/client.ts'
import { Engine, type EngineOptions } from '../../src/engine/engine.ts'
import type { LiveChecker } from '../invariants/live.ts'
import type { ServedClient, Watch } from '../invariants/watch.ts'
import type { Random } from '../random.ts'
import { Actor, MachineClock } from './actor.ts'
import type { Connection, Disk } from './disk.ts'

/** One life of the process of a node. */
export interface Life {
  readonly actor: Actor
  readonly store: Connection
  readonly live: LiveChecker
  readonly watch: Watch
  client: ServedClient | undefined
  /** Calls that wait for an answer of this life, and how to cut each off. */
  readonly outstanding: Set<() => void>
  /** An orderly end has begun. */
  isStopping: boolean
  /** Sessions of remote workers by their life's name. */
  readonly sessions: Map<string, ReturnType<ServedClient['openWorker']>>
}

export class Node {
  readonly name: string
  readonly clock: MachineClock
  life: Life | undefined
  readonly #disk: Disk
  readonly #random: Random
  readonly #watches: (actor: Actor) => Watch
  readonly #options: EngineOptions
  #lives = 0
  /** Whether the node should go on after a crash: not where another has taken its place. */
  isWanted: () => boolean = () => true
  /** Called when a life is ready to serve. */
  onUp: ((life: Life) => void) | undefined

  constructor(options: {
    name: string
    disk: Disk
    random: Random
    engine: EngineOptions
    watches: (actor: Actor) => Watch
  }) {
    this.name = options.name
    this.#disk = options.disk
    this.#random = options.random
    this.#watches = options.watches
    this.#options = options.engine
    this.clock = new MachineClock(options.disk.scheduler)
  }

  /** Begins a life; it serves once the store is open. */
  start(): void {
    if (this.life !== undefined) return
    const { scheduler } = this.#disk
    const actor = new Actor(`${this.name}.${++this.#lives}`, scheduler, this.clock)
    const store = this.#disk.connect(actor)
    const watch = this.#watches(actor)
    const parts = { actor, store, watch, live: watch.live }
    const begun = { client: undefined, isStopping: false }
    const life: Life = { ...parts, ...begun, outstanding: new Set(), sessions: new Map() }
    this.life = life
    scheduler.trace(`${actor.name}: start`)
    actor.run(() => {
      const surroundings = actor.surroundings(this.#random.fork(actor.name))
      Engine.open(store, surroundings, { ...this.#options, onApplied: watch.onApplied }).then(
        (engine) => this.#up(life, engine),
        () => this.crash('the store did not open', 1_000),
      )
    })
  }

  #up(life: Life, engine: Engine): void {
    life.watch.attach(engine)
    life.client = life.watch.recorded(createEmbeddedClient(engine))
    this.#disk.scheduler.trace(`${life.actor.name}: up, epoch ${engine.position.epoch}`)
    this.onUp?.(life)
  }

  /** Ends a life at once; the next one begins after a while. */
  crash(why: string, restartMs: number, life = this.life): void {
    if (life === undefined || !life.actor.isAlive) return
    this.#disk.scheduler.trace(`${life.actor.name}: crash, ${why}`)
    life.actor.kill()
    life.store.crash()
    for (const cut of life.outstanding) cut()
    if (this.life === life) this.life = undefined
    this.#disk.scheduler.after(restartMs, () => {
      if (this.isWanted()) this.start()
    })
  }

  /** Ends a life in an orderly way: nothing is in flight when the process is gone. */
  stop(restartMs: number): void {
    const { life } = this
    if (life?.client === undefined || life.isStopping) return
    this.#disk.scheduler.trace(`${life.actor.name}: stop`)
    life.isStopping = true
    const { client } = life
    life.actor.run(() => {
      void client.close().then(() => this.crash('has stopped', restartMs, life))
    })
  }

  /** Stands still for a while. */
  pause(ms: number): void {
    const { life } = this
    if (life === undefined || life.actor.isPaused) return
    this.#disk.scheduler.trace(`${life.actor.name}: pause ${ms.toFixed(0)}`)
    life.actor.pause()
    this.#disk.scheduler.after(ms, () => life.actor.resume())
  }
}

/** What makes an engine take a worker for one of its own process, and what does not. */
export const LOCAL = { host: hostname(), pid: process.pid }
export const REMOTE = { host: 'elsewhere', pid: 1 }
