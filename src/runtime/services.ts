/**
 * What the engine and the workers take from their surroundings, so that a simulator can give them others.
 */
import { randomBytes } from 'node:crypto'
import { longTimeout } from './timers.ts'

/** Time, timers, randomness and turns. */
export interface Surroundings {
  /** Wall clock, epoch ms. */
  now(): number
  /** Monotonic clock, ms. */
  monotonic(): number
  /** Runs `fn` once this turn of the event loop is through. */
  defer(fn: () => void): void
  /** Runs `fn` after a delay that may exceed what native timers take; answers how to call it off. */
  after(ms: number, fn: () => void): () => void
  /** In [0, 1). */
  random(): number
  /** A fresh unguessable text of 128 random bits. */
  nonce(): string
}

/** The real world. Timers do not keep the process alive. */
export function systemSurroundings(): Surroundings {
  const nonces = new NoncePool()
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    defer: (fn) => void setImmediate(fn),
    after: (ms, fn) => {
      const timer = longTimeout(Math.max(0, ms), fn, { background: true })
      return () => timer.cancel()
    },
    random: () => Math.random(),
    nonce: () => nonces.next(),
  }
}

/** Draws random bytes in blocks: one call of the generator per 256 nonces. */
class NoncePool {
  #text = ''
  #at = 0

  next(): string {
    if (this.#at >= this.#text.length) {
      this.#text = randomBytes(16 * 256).toString('hex')
      this.#at = 0
    }
    this.#at += 32
    return this.#text.slice(this.#at - 32, this.#at)
  }
}
