/**
 * Looks: how often each invariant was looked at, in worlds with each fault. An empty place in the table is a
 * pair that nobody has tried.
 */
import { FAULTS, type Fault } from '../swarm.ts'

type Counts = Readonly<Record<string, number>>

export class LookTable {
  readonly #rows = new Map<string, number[]>()

  /** Adds what a world with these faults has looked at. */
  add(faults: readonly Fault[], looks: Counts): void {
    for (const [id, count] of Object.entries(looks)) {
      // the one statement that nobody looks at
      if (id === 'CRASH') continue
      const row = this.#rows.get(id) ?? FAULTS.map(() => 0)
      this.#rows.set(id, row)
      for (const fault of faults) row[FAULTS.indexOf(fault)] = (row[FAULTS.indexOf(fault)] ?? 0) + count
    }
  }

  /** As a table of Markdown; counts are rounded down to a power of ten. */
  tell(): string {
    const head = ['', ...FAULTS].join(' | ')
    const line = ['', ...FAULTS].map(() => '---').join(' | ')
    const rows = [...this.#rows].map(([id, counts]) => `| ${[id, ...counts.map(magnitude)].join(' | ')} |`)
    return [`| ${head} |`, `| ${line} |`, ...rows].join('\n')
  }
}

function magnitude(count: number): string {
  return count === 0 ? '' : `10^${Math.floor(Math.log10(count))}`
}
