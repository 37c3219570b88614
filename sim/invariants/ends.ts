/**
 * Ends: how runs of programs ended, held against what comes of the same programs where nothing ever goes wrong.
 */
import type { JobRow } from '../../src/core/model/job.ts'
import { DONE, STEP } from '../../src/core/model/journal.ts'
import { nameId } from '../../src/core/model/rows.ts'
import { CANCELLED, SUCCEEDED, stateName } from '../../src/core/model/states.ts'
import type { ErrorRecord } from '../../src/errors.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import { must } from '../violation.ts'
import type { FlowInput } from '../workload/play.ts'
import { endOf, type Op, type Programs } from '../workload/program.ts'

/** Why a run was given up that can go neither on nor back. */
export const ASTRAY = 'it has gone astray'

/** Checks every run of a program that is there and was not cancelled. */
export function checkEnds(tables: Tables, programs: Programs): void {
  const kind = tables.names.get(nameId('kind', 'flow'))?.id
  for (const job of tables.jobs.values()) {
    if (kind === undefined || tables.routesById.get(job.route)?.kind !== kind) continue
    if (job.attempt === 0) continue
    // code may catch its own cancel, as any failure
    if (job.state !== CANCELLED && job.cancelAt === 0) checkEnd(tables, programs, job)
    if (job.state !== SUCCEEDED) checkUndone(tables, programs, job)
  }
}

/** What was done and can be undone was undone, unless somebody put an end to that. */
function checkUndone(tables: Tables, programs: Programs, job: JobRow): void {
  if (['"forced":true', ASTRAY].some((text) => job.error?.includes(text))) return
  const done = [...(tables.journal.get(job.id)?.values() ?? [])].filter(
    ({ kind, state }) => kind === STEP && state === DONE,
  )
  const names = new Set(done.map(({ name }) => name))
  for (const id of undoable(programs.get(flowOf(tables, job)).ops)) {
    const isLeft = names.has(`step ${id}`) && !names.has(`undo step ${id}`)
    must('K2', !isLeft, () => `run ${job.id} ${stateName(job.state)}, and step ${id} of it is not undone`)
  }
}

function undoable(ops: readonly Op[]): number[] {
  return ops.flatMap((op) => {
    if (op.type === 'step') return op.hasUndo ? [op.id] : []
    return 'branches' in op ? op.branches.flatMap(undoable) : 'body' in op ? undoable(op.body) : []
  })
}

function flowOf(tables: Tables, { id, input }: JobRow): string {
  return (JSON.parse(input ?? tables.payloads.get(id)?.get('input') ?? '') as FlowInput).flow
}

function checkEnd(tables: Tables, programs: Programs, job: JobRow): void {
  const { id, state, result, error } = job
  const payloads = tables.payloads.get(id)
  const flow = flowOf(tables, job)
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
