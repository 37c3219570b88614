/**
 * Counts: by how much the number of jobs of each route and state has changed since the last commit.
 */
import type { JobRow } from '../core/model/job.ts'
import { JOB_STATES, type StateCode } from '../core/model/states.ts'
import type { CountChange } from '../store/store.ts'

/** Routes of one state that are kept from one commit to the next. */
const MOST_KEPT = 100

interface Cell {
  readonly route: number
  readonly state: StateCode
  delta: number
}

export class Counts {
  readonly #byState: Map<number, Cell>[] = JOB_STATES.map(() => new Map())
  /** Per state the cell that changed last: jobs that change together are mostly of one route. */
  #latest: (Cell | undefined)[] = []

  add({ route, state }: JobRow, delta: number): void {
    const latest = this.#latest[state]
    if (latest?.route === route) latest.delta += delta
    else this.#cell(route, state).delta += delta
  }

  #cell(route: number, state: StateCode): Cell {
    const cells = this.#byState[state] as Map<number, Cell>
    let cell = cells.get(route)
    if (cell === undefined) {
      cell = { route, state, delta: 0 }
      cells.set(route, cell)
    }
    this.#latest[state] = cell
    return cell
  }

  /** Hands over the changes since the last call. */
  take(): CountChange[] {
    const changes: CountChange[] = []
    for (const cells of this.#byState) {
      for (const cell of cells.values()) {
        const { route, state, delta } = cell
        if (delta !== 0) changes.push({ route, state, delta })
        cell.delta = 0
      }
      // Few are kept, since the next commit is likely to change the same ones.
      if (cells.size <= MOST_KEPT) continue
      cells.clear()
      this.#latest = []
    }
    return changes
  }
}
