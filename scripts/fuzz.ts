/**
 * `npm run fuzz`: all properties and fuzz tests with fresh seeds and more inputs than the gate gives them, again and again.
 *
 * Owns: which test files those are, and the seed of each round. Ends at the first round that finds something, with the
 * command that replays it. Exit code 1 then, 0 when the time was used up and nothing was found, 64 for a wrong option.
 *
 * Usage: node scripts/fuzz.ts [--minutes N] [--runs FACTOR] [--seed N] [FOLDER...]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { listImports } from './lib/imports.ts'
import { passSignalsOn, runNode } from './lib/run.ts'
import { listSources, readSource } from './lib/source.ts'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
/** What makes a test file a test of properties: that it imports this, by whatever way. */
const PROPERTIES = 'src/std/testdata/properties.ts'
/** A round that takes longer is stuck. */
const ROUND_MS = 60 * 60_000

interface Options {
  readonly minutes: number
  readonly runs: number
  readonly seed: number | undefined
  readonly folders: readonly string[]
}

/** Reads the options; throws an Error that says what is wrong with them. */
function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: 'string' }, runs: { type: 'string' }, seed: { type: 'string' } },
  })
  const number = (name: string, text: string, isGood: (value: number) => boolean): number => {
    const value = Number(text)
    if (isGood(value)) return value
    throw new Error(`expected --${name} to be a number that makes sense; found "${text}"`)
  }
  return {
    minutes: number('minutes', values.minutes ?? '5', (value) => value > 0),
    runs: number('runs', values.runs ?? '5', (value) => value > 0),
    seed: values.seed === undefined ? undefined : number('seed', values.seed, Number.isInteger),
    folders: positionals.length === 0 ? ['src'] : positionals,
  }
}

/** The test files in these folders that have properties. */
function propertyTests(folders: readonly string[]): string[] {
  const known = new Map<string, boolean>()
  const reaches = (path: string): boolean => {
    const answer = known.get(path)
    if (answer !== undefined) return answer
    // while it is looked at: a circle of imports adds nothing
    known.set(path, false)
    const found =
      path === PROPERTIES ||
      listImports(readSource(ROOT, path)).some(
        ({ target, typeOnly }) => target?.endsWith('.ts') && !typeOnly && reaches(target),
      )
    known.set(path, found)
    return found
  }
  const tests = listSources(ROOT, folders).filter((path) => path.endsWith('.test.ts') && reaches(path))
  if (tests.length > 0) return tests
  throw new Error(`expected folders with tests of properties; found none in ${folders.join(', ')}`)
}

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string }[]
}

/** Runs the files once. Answers those that failed. */
async function round(files: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'perdure-'))
  try {
    const report = join(scratch, 'report.json')
    const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', ...files]
    const { reason } = await runNode({
      args: [...args, '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`],
      ...{ cwd: ROOT, timeoutMs: ROUND_MS, env },
    })
    if (reason === undefined) return []
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
    return testResults.filter(({ status }) => status !== 'passed').map(({ name }) => relative(ROOT, name))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function main(): Promise<number> {
  const { minutes, runs, seed: wanted, folders } = readOptions()
  const files = propertyTests(folders)
  const until = performance.now() + minutes * 60_000
  for (let count = 1; ; count++) {
    const seed = wanted ?? Math.floor(Math.random() * 2 ** 31)
    process.stdout.write(`== round ${count}: seed ${seed}, ${files.length} files\n`)
    const failed = await round(files, { PROPERTY_SEED: String(seed), PROPERTY_RUNS: String(runs) })
    if (failed.length > 0) {
      const replay = `PROPERTY_SEED=${seed} PROPERTY_RUNS=${runs} npx vitest run --project unit ${failed.join(' ')}`
      process.stdout.write(`\nseed ${seed} found something. Again:\n  ${replay}\n`)
      return 1
    }
    if (wanted !== undefined || performance.now() >= until) {
      process.stdout.write(`\nnothing was found in ${count} rounds\n`)
      return 0
    }
  }
}

passSignalsOn()

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 64
}
