/**
 * Ends: how runs of programs ended, held against what comes of the same programs where nothing ever goes wrong.
 */
import type { JobRow } from '../../src/core/model/job.ts'
import { nameId } from '../../src/core/model/rows.ts'
import { FAILED, SUCCEEDED, stateName } from '../../src/core/model/states.ts'
import type { ErrorRecord } from '../../src/errors.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import { must } from '../violation.ts'
import type { FlowInput } from '../workload/play.ts'
import { endOf, type Programs } from '../workload/program.ts'

/** Checks every run of a program that is there and was not cancelled. */
export function checkEnds(tables: Tables, programs: Programs): void {
  const kind = tables.names.get(nameId('kind', 'flow'))?.id
  for (const job of tables.jobs.values()) {
    if (kind === undefined || tables.routesById.get(job.route)?.kind !== kind) continue
    if (job.state === SUCCEEDED || job.state === FAILED) checkEnd(tables, programs, job)
  }
}

function checkEnd(tables: Tables, programs: Programs, { id, input, state, result, error }: JobRow): void {
  const payloads = tables.payloads.get(id)
  const { flow } = JSON.parse(input ?? payloads?.get('input') ?? '') as FlowInput
  const expected = endOf(programs, flow)
  if (state === SUCCEEDED) {
    const found = result ?? payloads?.get('result')
    const value = 'value' in expected ? JSON.stringify(expected.value) : undefined
    must('W5', value === found, () => `run ${id} of ${flow} gave ${found}, not ${JSON.stringify(expected)}`)
    return
  }
  const { code, message } = JSON.parse(error as string) as ErrorRecord
  // what it depends on failed, before it began
  if (code === 'DEPENDENCY_FAILED') return
  const isExpected = 'failure' in expected && message === expected.failure
  must(
    'W5',
    isExpected,
    () => `run ${id} of ${flow} ${stateName(state)}: ${message}, not ${JSON.stringify(expected)}`,
  )
}
