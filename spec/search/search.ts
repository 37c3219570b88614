/**
 * Search: breadth first through everything that can happen to a small world, on the real core. Every world that is
 * new is checked, and so is every move.
 */
import { Violation } from '../../sim/violation.ts'
import type { World } from '../world/world.ts'
import { keyOf } from './canonical.ts'
import { checkStaleTokens, checkStep } from './checks.ts'
import { firstOf, movesFrom } from './moves.ts'
import type { Scenario } from './scenarios.ts'

/** What a search found. */
export interface Found {
  /** The depth up to which every world was reached. */
  readonly depth: number
  readonly states: number
  readonly moves: number
  /** True when there is nothing beyond that depth. */
  readonly isComplete: boolean
  readonly failure: Failure | undefined
}

/** Something that must not be, and the way there. */
export interface Failure {
  readonly error: unknown
  readonly way: readonly string[]
}

/** When to stop: behind a depth, or at a moment (ms of the monotonic clock), whichever comes first. */
export interface Bounds {
  readonly depth: number
  readonly until: number
}

/** What may be done to a move, to see that the checks would find it. */
export type Spoil = (before: World, after: World) => World

/** Searches a scenario. */
export function search(scenario: Scenario, { depth, until }: Bounds, spoil?: Spoil): Found {
  const ways = new Ways()
  let frontier: Reached[] = [{ world: firstOf(scenario), at: ways.begin() }]
  const seen = new Set(frontier.map(({ world }) => keyOf(world)))
  let moves = 0
  for (let level = 0; level < depth; level++) {
    const next: Reached[] = []
    for (const { world, at } of frontier) {
      if (performance.now() > until) {
        return { depth: level, states: seen.size, moves, isComplete: false, failure: undefined }
      }
      let name = 'something'
      try {
        for (const move of movesFrom(world, scenario)) {
          name = move.name
          moves++
          const after = spoil === undefined ? move.to : spoil(world, move.to)
          checkStep(world, after)
          const key = keyOf(after)
          if (seen.has(key)) continue
          seen.add(key)
          checkStaleTokens(after)
          next.push({ world: after, at: ways.add(at, name) })
        }
      } catch (error) {
        const way = [...ways.to(at), error instanceof Violation ? name : `after ${name}`]
        return { depth: level, states: seen.size, moves, isComplete: false, failure: { error, way } }
      }
    }
    frontier = next
    if (frontier.length === 0)
      return { depth: level, states: seen.size, moves, isComplete: true, failure: undefined }
  }
  return { depth, states: seen.size, moves, isComplete: false, failure: undefined }
}

interface Reached {
  readonly world: World
  readonly at: number
}

/** How each world was reached: the move, and the world before. */
class Ways {
  readonly #names: string[] = []
  readonly #from: number[] = []

  begin(): number {
    return this.add(-1, 'begin')
  }

  add(from: number, name: string): number {
    this.#from.push(from)
    return this.#names.push(name) - 1
  }

  to(at: number): string[] {
    const way: string[] = []
    for (let i = at; i > 0; i = this.#from[i] as number) way.unshift(this.#names[i] as string)
    return way
  }
}
