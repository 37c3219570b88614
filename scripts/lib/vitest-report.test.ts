/** Shows which reports count as passed: only those in which tests ran and none failed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readTestReport } from './vitest-report.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-report-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function problemOf(report: object | string): string | undefined {
  const file = join(folder, 'report.json')
  writeFileSync(file, typeof report === 'string' ? report : JSON.stringify(report))
  return readTestReport(file).problem
}

it.each([
  ['a run that passed', { success: true, numPassedTests: 3, numFailedTests: 0 }, undefined],
  ['a failed test', { success: false, numPassedTests: 3, numFailedTests: 2 }, '2 tests failed'],
  ['no tests', { success: true, numPassedTests: 0, numFailedTests: 0 }, 'no test ran'],
  ['only skipped tests', { success: true, numPassedTests: 0, numPendingTests: 4 }, 'no test ran'],
  ['a broken file', { success: false, numPassedTests: 3 }, 'a test file failed as a whole'],
  ['half a report', '{ "success": tr', 'the report of vitest is cut off'],
])('judges %s', (_, report, problem) => {
  expect(problemOf(report)).toBe(problem)
})

it('counts, and misses a report that was never written', () => {
  const file = join(folder, 'report.json')
  expect(readTestReport(file).problem).toBe('vitest wrote no report')
  writeFileSync(
    file,
    JSON.stringify({ success: true, numPassedTests: 5, numPendingTests: 1, numTodoTests: 2 }),
  )
  expect(readTestReport(file).counts).toEqual({ passed: 5, failed: 0, skipped: 3 })
})
