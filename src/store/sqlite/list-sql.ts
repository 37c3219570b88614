/**
 * The SQL of lists: which index serves which filter.
 *
 * A filter that an index serves is read through it. Any other scans ranges of ids, newest or oldest first, so
 * that one call looks at a bounded number of rows and a page may be short.
 */
import type { StateCode } from '../../core/model/states.ts'
import { READY, RUNNING, SCHEDULED } from '../../core/model/states.ts'
import type { StoredQuery } from '../store.ts'

/** A condition with its values. */
export interface Condition {
  readonly sql: string
  readonly args: readonly (number | string)[]
}

/** States that the index `jobs_by_state` holds. */
const INDEXED_STATES: ReadonlySet<StateCode> = new Set([0, 1, 2, 5, 6, 8, 9])

/** Jobs whose rows say that they are ready or scheduled, although they are leased. */
const LEASED = 'SELECT job FROM leased'

const list = (values: readonly unknown[]): string => values.map(() => '?').join(', ')

/** Everything that a query asks of a job, but for the cursor and the state. */
export function conditionsOf(query: StoredQuery): Condition[] {
  const conditions: Condition[] = []
  const add = (sql: string, ...args: (number | string)[]) => conditions.push({ sql, args })
  for (const [space, text] of [
    ['namespace', query.namespace],
    ['queue', query.queue],
    ['kind', query.kind],
  ] as const) {
    if (text === null) continue
    const name = `SELECT id FROM names WHERE space = '${space}' AND text = ?`
    add(`jobs.route IN (SELECT id FROM routes WHERE ${space} = (${name}))`, text)
  }
  if (query.parent !== null) add('jobs.parent > 0 AND jobs.parent = ?', query.parent)
  if (query.ids !== null) add(`jobs.id IN (${list(query.ids)})`, ...query.ids)
  if (query.createdAfter !== null) add('jobs.created_at >= ?', query.createdAfter)
  if (query.createdBefore !== null) add('jobs.created_at < ?', query.createdBefore)
  for (const { name, value, isPrefix } of query.metadata) {
    const end = isPrefix ? prefixEnd(value) : null
    const match = !isPrefix ? 'value = ?' : end === null ? 'value >= ?' : 'value >= ? AND value < ?'
    const args = end === null ? [value] : [value, end]
    const sql = `SELECT job FROM metadata WHERE namespace IN (SELECT namespace FROM routes) AND name = ? AND ${match}`
    add(`jobs.id IN (${sql})`, name, ...args)
  }
  return conditions
}

/**
 * The smallest text behind all that begin with a prefix, null where there is none. Texts compare by their bytes
 * in UTF-8, which is the order of code points; half surrogates are none.
 */
function prefixEnd(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  return last === undefined ? null : String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}

/** The condition on states, and whether an index serves it in order of id. */
export function stateCondition(states: readonly StateCode[]): { condition: Condition; isIndexed: boolean } {
  const [only] = states
  if (states.length === 1 && only === RUNNING) {
    const sql = `((jobs.line = 2 AND jobs.line > 0) OR jobs.id IN (${LEASED}))`
    return { condition: { sql, args: [] }, isIndexed: true }
  }
  if (states.includes(RUNNING) || states.includes(READY)) {
    const state = `iif(jobs.id IN (${LEASED}), ${RUNNING}, jobs.state)`
    return {
      condition: { sql: `${state} IN (${states.map(Number).join(', ')})`, args: [] },
      isIndexed: false,
    }
  }
  const isIndexed = states.every((state) => INDEXED_STATES.has(state))
  // The condition of the partial index, word for word, so that the planner sees that it applies.
  const index = isIndexed ? ' AND jobs.state <> 3 AND jobs.state <> 4 AND jobs.state <> 7' : ''
  const free = states.includes(SCHEDULED) ? ` AND jobs.id NOT IN (${LEASED})` : ''
  return {
    condition: { sql: `jobs.state IN (${states.map(Number).join(', ')})${index}${free}`, args: [] },
    isIndexed,
  }
}

/** Whether an index finds the few jobs that can match, so that no range needs to be scanned. */
export function isSelective(query: StoredQuery): boolean {
  return query.ids !== null || query.parent !== null || query.metadata.length > 0
}
