/**
 * Parts: what the promises that a flow gives out stand for, so that the losers of a race can be told from its winner.
 *
 * Owns: which positions are behind a promise. Never does: deciding who has lost.
 */
import type { PerdureError } from '../errors.ts'
import { withdrawnError } from './errors.ts'

/** A stretch of code that is let go of as a whole: everything that it has asked for, and all that it would ask for. */
export class Branch {
  /** What it has asked for. */
  readonly positions = new Set<number>()
  readonly #parent: Branch | undefined
  readonly #lock: string | undefined
  /** It came to its end. */
  isEnded = false
  #lost: unknown

  /** @param lock the key of the lock that it runs under, or is in line for. */
  constructor(parent: Branch | undefined, lock?: string) {
    this.#parent = parent
    this.#lock = lock
  }

  /** Whether it is a part of what runs under the lock of a key. */
  isUnder(key: string): boolean {
    return this.#lock === key || this.#parent?.isUnder(key) === true
  }

  /** Why it must ask for nothing any more; undefined while it may. */
  get lost(): unknown {
    return this.#lost ?? this.#parent?.lost
  }

  /** Takes in what it asks for. */
  add(position: number): void {
    this.positions.add(position)
    this.#parent?.add(position)
  }

  /** It has lost, unless it has come to its end. */
  lose(reason: unknown): void {
    if (!this.isEnded) this.#lost ??= reason
  }
}

/** In which ways promises are made one. */
export type Combination = 'all' | 'any' | 'race'

/** What a promise stands for: a position, a branch, or others. */
type Part = number | Branch | readonly unknown[]

export class Parts {
  readonly #parts = new WeakMap<object, Part>()

  /** Notes what a promise stands for. */
  note(promise: Promise<unknown>, part: Part): void {
    this.#parts.set(promise, part)
  }

  /**
   * What several promises make together. Of those that it does not wait for in the end, branches have lost, and `letGo` gets all
   * positions; whether something is still waited for there is for others to know.
   */
  combine<T>(
    name: Combination,
    parts: readonly unknown[],
    whole: Promise<T>,
    letGo: (positions: readonly number[], error: PerdureError) => void,
  ): Promise<T> {
    const decided = (): void => {
      const { positions, branches } = this.#behind(parts)
      const error = withdrawnError(name)
      for (const branch of branches) branch.lose(error)
      letGo([...positions], error)
    }
    const promise = whole.then(
      (value) => {
        if (name !== 'all') decided()
        return value
      },
      (thrown: unknown) => {
        decided()
        throw thrown
      },
    )
    promise.catch(() => {})
    this.note(promise, parts)
    return promise
  }

  /** Runs the code of a branch. */
  branch<T>(branch: Branch, code: () => T): Promise<Awaited<T>> {
    const promise = (async () => {
      try {
        return await code()
      } finally {
        branch.isEnded = true
      }
    })() as Promise<Awaited<T>>
    promise.catch(() => {})
    this.note(promise, branch)
    return promise
  }

  /** All positions and branches behind promises; those of others are unknown here. */
  #behind(
    promises: readonly unknown[],
    found = { positions: new Set<number>(), branches: new Set<Branch>() },
  ): { readonly positions: ReadonlySet<number>; readonly branches: ReadonlySet<Branch> } {
    for (const promise of promises) {
      const part = typeof promise === 'object' && promise !== null ? this.#parts.get(promise) : undefined
      if (typeof part === 'number') found.positions.add(part)
      else if (part instanceof Branch) {
        found.branches.add(part)
        for (const position of part.positions) found.positions.add(position)
      } else if (part !== undefined) this.#behind(part, found)
    }
    return found
  }
}
