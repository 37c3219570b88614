/**
 * Network: calls from clients and workers to the node that serves. Requests and answers may be late, lost or
 * doubled; a caller hears of a loss as an error after a while, as with a connection that breaks.
 */
import { PerdureError, perdureError } from '../../src/errors.ts'
import type { Random } from '../random.ts'
import type { Fault, Swarm } from '../swarm.ts'
import { Violation } from '../violation.ts'
import type { Actor } from './actor.ts'
import type { Life, Node } from './node.ts'
import type { Scheduler } from './scheduler.ts'

/** After this long without an answer a caller gives up, ms. */
const TIMEOUT_MS = 10_000

export class Network {
  readonly scheduler: Scheduler
  readonly #seed: Random
  readonly #streams = new Map<string, Random>()
  readonly #swarm: Swarm
  readonly #has: (fault: Fault) => boolean
  /** Callers that reach nobody. */
  readonly #cut = new Set<string>()
  /** The node that callers believe to serve. */
  serving: Node

  constructor(
    scheduler: Scheduler,
    random: Random,
    swarm: Swarm,
    has: (fault: Fault) => boolean,
    serving: Node,
  ) {
    this.scheduler = scheduler
    this.#seed = random
    this.#swarm = swarm
    this.#has = has
    this.serving = serving
  }

  /** Everything that is drawn about what somebody sends comes from a stream of its own. */
  #streamOf({ name }: Actor): Random {
    let stream = this.#streams.get(name)
    if (stream === undefined) {
      stream = this.#seed.fork(name)
      this.#streams.set(name, stream)
    }
    return stream
  }

  #delay(random: Random): number {
    const slow = this.#has('slowness') && random.chance(0.02) ? 50 : 1
    return 0.01 + random.about(this.#swarm.networkMs) * slow
  }

  #isLost(caller: Actor): boolean {
    return this.#cut.has(caller.name) || (this.#has('loss') && this.#streamOf(caller).chance(0.03))
  }

  /** From now on a caller reaches nobody. */
  cutOff(name: string): void {
    this.#cut.add(name)
  }

  reconnect(name: string): void {
    this.#cut.delete(name)
  }

  reconnectAll(): void {
    this.#cut.clear()
  }

  isCut(name: string): boolean {
    return this.#cut.has(name)
  }

  /** Sends something one way; nobody hears of its loss. */
  send(from: Actor, to: Actor, act: () => void): void {
    if (this.#isLost(from) || this.#cut.has(to.name)) return
    this.scheduler.after(this.#delay(this.#streamOf(from)), () => to.run(act))
  }

  /**
   * Calls the serving node. Rejects with UNAVAILABLE where request or answer got lost.
   *
   * @param repeatable The request may arrive twice.
   * @param arrived Called in the moment in which an answer reaches the caller's machine, awake or not.
   */
  call<T>(
    caller: Actor,
    invoke: (life: Life) => Promise<T>,
    repeatable: boolean,
    arrived: () => void = () => {},
  ): Promise<T> {
    const random = this.#streamOf(caller)
    return new Promise((resolve, reject) => {
      let isSettled = false
      const answer = (act: () => void): void => {
        if (isSettled) return
        isSettled = true
        arrived()
        caller.run(act)
      }
      const fail = (): void => answer(() => reject(unavailable()))
      const timeOut = (): void => void this.scheduler.after(TIMEOUT_MS, fail)
      const deliver = (): void => {
        this.#deliver(invoke, random, fail, (act) => {
          if (this.#isLost(caller)) timeOut()
          else this.scheduler.after(this.#delay(random), () => answer(() => act(resolve, reject)))
        })
      }
      if (this.#isLost(caller)) timeOut()
      else this.scheduler.after(this.#delay(random), deliver)
      if (!repeatable || !this.#has('duplicates') || !random.chance(0.05)) return
      this.scheduler.after(this.#delay(random) * 10, () => {
        this.#deliver(
          invoke,
          random,
          () => {},
          () => {},
        )
      })
    })
  }

  #deliver<T>(
    invoke: (life: Life) => Promise<T>,
    random: Random,
    fail: () => void,
    back: (act: (resolve: (value: T) => void, reject: (error: unknown) => void) => void) => void,
  ): void {
    const node = this.serving
    const { life } = node
    if (life?.client === undefined) {
      this.scheduler.after(this.#delay(random), fail)
      return
    }
    const cut = (): void => void this.scheduler.after(this.#delay(random), fail)
    life.outstanding.add(cut)
    life.actor.run(() => {
      invoke(life).then(
        (value) => {
          life.outstanding.delete(cut)
          back((resolve) => resolve(value))
        },
        (error: unknown) => {
          life.outstanding.delete(cut)
          this.#judge(error)
          if (hasGivenUp(error)) {
            if (!life.isStopping) node.crash('gave up', random.about(5_000), life)
            cut()
          } else {
            back((_, reject) => reject(error))
          }
        },
      )
    })
  }

  #judge(error: unknown): void {
    if (error instanceof Violation) this.scheduler.fail(error)
    else if (!(error instanceof PerdureError) || error.code === 'INTERNAL')
      this.scheduler.fail(
        new Violation('CRASH', error instanceof Error ? (error.stack ?? error.message) : String(error)),
      )
  }
}

/** An engine that closed itself serves nothing any more; its process ends. */
function hasGivenUp(error: unknown): boolean {
  return error instanceof PerdureError && error.code === 'CLOSED'
}

function unavailable(): PerdureError {
  return perdureError('UNAVAILABLE', {
    expected: 'the node to answer',
    found: 'no answer',
    fix: 'Try again',
  })
}
