/**
 * Reads what vitest wrote with `--reporter=json`, as far as the summary needs it.
 *
 * Owns: the meaning of "passed". Never runs vitest.
 */
import { existsSync, readFileSync } from 'node:fs'

/** Numbers of tests. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Counts, and why the run does not count as passed even if vitest said so (undefined when it does). */
export interface TestReport {
  readonly counts: TestCounts
  readonly problem: string | undefined
}

const NO_TESTS: TestCounts = { passed: 0, failed: 0, skipped: 0 }

/** Reads a report. A missing or broken report, failed tests and a run without any test are problems. */
export function readTestReport(file: string): TestReport {
  if (!existsSync(file)) return { counts: NO_TESTS, problem: 'vitest wrote no report' }
  let report: Record<string, unknown>
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  } catch {
    return { counts: NO_TESTS, problem: 'the report of vitest is cut off' }
  }
  const number = (key: string): number => (typeof report[key] === 'number' ? report[key] : 0)
  const counts = {
    passed: number('numPassedTests'),
    failed: number('numFailedTests'),
    skipped: number('numPendingTests') + number('numTodoTests'),
  }
  if (counts.failed > 0) return { counts, problem: `${counts.failed} tests failed` }
  if (counts.passed === 0) return { counts, problem: 'no test ran' }
  if (report.success !== true) return { counts, problem: 'a test file failed as a whole' }
  return { counts, problem: undefined }
}
