/**
 * `npm test`: runs the stages one after another, all of them, and says at the end which passed.
 *
 * Owns: the choice of stages, timing, and the summary. The last line is always `N passed, N failed`: tests plus
 * stages. Exit code 0 when nothing failed, 1 when something did, 64 for a wrong option.
 *
 * Usage: node scripts/test.ts [--only STAGE,STAGE] [--skip STAGE,STAGE] [--list]
 */

import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { passSignalsOn } from './lib/run.ts'
import { STAGES, type Stage, type StageResult } from './stages.ts'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
// CI gives an hour to everything, the installation included
const TOTAL_MS = 50 * 60_000

interface Outcome extends StageResult {
  readonly stage: Stage
  readonly seconds: number
}

const write = (text: string): void => void process.stdout.write(`${text}\n`)

/** Reads the options; throws an Error that says what is wrong with them. */
function chooseStages(): { stages: Stage[]; list: boolean } {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, skip: { type: 'string' }, list: { type: 'boolean' } },
  })
  const names = (value: string | undefined): Set<string> => new Set(value?.split(',').filter(Boolean))
  const only = names(values.only)
  const skip = names(values.skip)
  for (const name of [...only, ...skip]) {
    if (STAGES.some((stage) => stage.name === name)) continue
    throw new Error(`expected stages out of ${STAGES.map((stage) => stage.name).join(', ')}; found "${name}"`)
  }
  const chosen = STAGES.filter(({ name }) => (only.size === 0 || only.has(name)) && !skip.has(name))
  if (chosen.length === 0) throw new Error('expected at least one stage; --only and --skip leave none')
  return { stages: chosen, list: values.list === true }
}

async function runStage(stage: Stage, deadline: number): Promise<Outcome> {
  write(`\n== ${stage.name}: ${stage.title}`)
  const start = performance.now()
  const timeoutMs = Math.min(stage.timeoutMs, deadline - start)
  let result: StageResult
  try {
    result =
      timeoutMs > 0
        ? await stage.run({ root: ROOT, timeoutMs })
        : { reasons: ['not run: the time is used up'] }
  } catch (error) {
    result = { reasons: [error instanceof Error ? error.message : String(error)] }
  }
  const seconds = (performance.now() - start) / 1000
  const verdict = result.reasons.length > 0 ? `FAILED (${result.reasons.join('; ')})` : 'passed'
  write(`== ${stage.name}: ${verdict} in ${seconds.toFixed(1)} s`)
  return { ...result, stage, seconds }
}

function summary(outcomes: readonly Outcome[]): { passed: number; failed: number } {
  let passed = 0
  let failed = 0
  write('\nstage     result      time  tests')
  for (const { stage, reasons, seconds, tests, note } of outcomes) {
    const ok = reasons.length === 0
    passed += (tests?.passed ?? 0) + (ok ? 1 : 0)
    failed += (tests?.failed ?? 0) + (ok ? 0 : 1)
    const counts = tests && `${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`
    const details = [counts ?? note, ...reasons].filter(Boolean).join('; ')
    const columns = [
      stage.name.padEnd(9),
      (ok ? 'passed' : 'FAILED').padEnd(6),
      `${seconds.toFixed(1)} s`.padStart(9),
    ]
    write(`${columns.join(' ')}  ${details}`.trimEnd())
  }
  return { passed, failed }
}

async function main(): Promise<number> {
  const { stages, list } = chooseStages()
  if (list) {
    for (const { name, title } of stages) write(`${name.padEnd(9)} ${title}`)
    return 0
  }
  const deadline = performance.now() + TOTAL_MS
  const outcomes: Outcome[] = []
  for (const stage of stages) outcomes.push(await runStage(stage, deadline))
  const { passed, failed } = summary(outcomes)
  write(`\n${passed} passed, ${failed} failed`)
  return failed > 0 ? 1 : 0
}

passSignalsOn()

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 64
}
