/**
 * Writes the part of docs/job-life-cycle.md that follows from the code: the table of legal moves.
 *
 * Usage: node scripts/life-cycle.ts           rewrites the page
 *
 * A test holds the page against `lifeCycle()`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLegalMove, JOB_STATES, type JobState, stateCode } from '../src/core/model/states.ts'
import { replaceBetween } from './lib/markdown.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'job-life-cycle.md')

/** The states that a job may go to from another in one change. */
export function movesFrom(from: JobState): JobState[] {
  return JOB_STATES.filter((to) => to !== from && isLegalMove(codeOf(from), codeOf(to)))
}

/** The generated part of the page. */
export function lifeCycle(): string {
  const rows = JOB_STATES.map((from) => {
    const cells = JOB_STATES.map((to) => (movesFrom(from).includes(to) ? '●' : ''))
    return `| **${from}** | ${cells.join(' | ')} |`
  })
  return [
    `| from \\ to | ${JOB_STATES.join(' | ')} |`,
    `|---|${JOB_STATES.map(() => ':-:|').join('')}`,
    ...rows,
  ].join('\n')
}

/** The page with its generated part made anew. */
export function withLifeCycle(page: string): string {
  return replaceBetween(page, 'moves', lifeCycle())
}

function codeOf(state: JobState) {
  const code = stateCode(state)
  if (code === undefined) throw new Error(`expected a state, found ${state}`)
  return code
}

if (import.meta.main) writeFileSync(PAGE, withLifeCycle(readFileSync(PAGE, 'utf8')))
