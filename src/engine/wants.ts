/**
 * Wants: what commands did not find in memory, gathered into one request to the store.
 */
import type { Absent } from '../core/view.ts'
import type { LoadRequest } from '../store/store.ts'

const TABLES = [
  'jobs',
  'names',
  'profiles',
  'profilesById',
  'routes',
  'routesById',
  'queues',
  'fair',
  'keys',
  'limits',
  'holders',
  'dependents',
  'runs',
  'line',
] as const

export class Wants {
  #sets = blank()
  #isEmpty = true

  get isEmpty(): boolean {
    return this.#isEmpty
  }

  add({ table, keys }: Absent): void {
    this.#isEmpty = false
    for (const key of keys) this.#sets[table].add(key)
  }

  /** The request so far, and the lines of which a window is wanted; begins anew. */
  take(): { request: LoadRequest; lines: ReadonlySet<number> } {
    const sets = this.#sets
    this.#sets = blank()
    this.#isEmpty = true
    const numbers = (table: (typeof TABLES)[number]) => [...sets[table]] as number[]
    const texts = (table: (typeof TABLES)[number]) => [...sets[table]] as string[]
    const request: LoadRequest = {
      jobs: numbers('jobs'),
      names: texts('names'),
      profiles: texts('profiles'),
      profilesById: numbers('profilesById'),
      routes: texts('routes'),
      routesById: numbers('routesById'),
      queues: numbers('queues'),
      fair: texts('fair'),
      keys: texts('keys'),
      limits: numbers('limits'),
      holders: numbers('holders'),
      dependents: numbers('dependents'),
      runs: numbers('runs'),
      windows: [],
    }
    return { request, lines: sets.line as Set<number> }
  }
}

function blank(): Record<(typeof TABLES)[number], Set<string | number>> {
  return Object.fromEntries(TABLES.map((table) => [table, new Set<string | number>()])) as Record<
    (typeof TABLES)[number],
    Set<string | number>
  >
}
