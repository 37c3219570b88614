/**
 * Violation: what a checker throws when something that must always hold does not.
 */
import { STATEMENTS } from './invariants/statements.ts'

/** The id of an invariant that the simulator checks. */
export type InvariantId = keyof typeof STATEMENTS

/** Hears of every violation, since one may be found where nobody waits for a promise. */
let hears: (violation: Violation) => void = () => {}

/** Sets who hears of violations. */
export function hearViolations(hear: (violation: Violation) => void): void {
  hears = hear
}

export class Violation extends Error {
  override readonly name = 'Violation'
  readonly id: InvariantId
  readonly statement: string

  constructor(id: InvariantId, found: string) {
    super(found)
    this.id = id
    this.statement = STATEMENTS[id]
    hears(this)
  }
}

/** How often each invariant was looked at, since the process began. */
export const looks: Record<InvariantId, number> = Object.fromEntries(
  Object.keys(STATEMENTS).map((id) => [id, 0]),
) as Record<InvariantId, number>

/** Counts many looks at once: for what is looked at too often to be counted each time. */
export function looked(id: InvariantId, times: number): void {
  looks[id] += times
}

/** Throws a violation of `id` unless the condition holds; `found` is made only then. */
export function must(id: InvariantId, condition: boolean, found: () => string): void {
  looks[id]++
  if (!condition) throw new Violation(id, found())
}
