/**
 * The history of a run as a table that people read.
 */

import type { RunHistory } from '../../workflow/history.ts'
import { type Happening, timelineOf } from '../../workflow/timeline.ts'
import { shortError } from '../describe.ts'
import { type Column, renderTable, shortSpan } from './text.ts'

const COLUMNS: readonly Column[] = [
  { title: '#', align: 'right' },
  { title: 'AFTER', align: 'right' },
  { title: 'TOOK', align: 'right' },
  { title: 'WHAT' },
  { title: 'NAME' },
  { title: 'STATE' },
  { title: 'RESULT', flexible: true },
]

/** What happened, in the order in which it began. Empty for a run that has recorded nothing. */
export function renderTimeline(history: RunHistory, now: number, width: number): string {
  const { journal, attempts, createdAt } = history
  const begins = attempts.map(({ startedAt }) => startedAt)
  const rows = timelineOf(journal, createdAt, begins).map((one) => [
    one.position < 0 ? '-' : String(one.position),
    shortSpan(one.beganAt - createdAt),
    tookOf(one, now),
    one.kind,
    one.name,
    stateOf(one),
    resultOf(one, now),
  ])
  return rows.length === 0 ? '' : renderTable(COLUMNS, rows, width)
}

function tookOf({ kind, state, beganAt, endedAt, isAtMost }: Happening, now: number): string {
  if (INSTANT.has(kind)) return ''
  const span = shortSpan((endedAt ?? now) - beganAt)
  return state === 'open' ? `${span}...` : isAtMost ? `<${span}` : span
}

/** Kinds that take no time. */
const INSTANT: ReadonlySet<string> = new Set(['version', 'send', 'cancel'])

function stateOf({ state, tries }: Happening): string {
  return tries > 1 ? `${state}, ${tries} tries` : state
}

function resultOf({ kind, state, value, error, dueAt, child, tries }: Happening, now: number): string {
  const parts: string[] = []
  if (child !== null) parts.push(`job ${child}`)
  if (error !== null && state !== 'done') parts.push(`${shortError(error)}: ${error.message}`)
  if (dueAt !== null) {
    const word = kind === 'step' ? `try ${tries + 1}` : kind === 'signal' ? 'given up' : 'over'
    parts.push(dueAt > now ? `${word} in ${shortSpan(dueAt - now)}` : `${word} now`)
  }
  const isAnswer = state === 'done' && value !== undefined && !(kind === 'child' && value === child)
  if (isAnswer) parts.push(JSON.stringify(value))
  if (kind === 'signal' && state === 'done' && value === undefined) parts.push('did not come in time')
  return parts.join(', ')
}
