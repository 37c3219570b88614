/**
 * The stages of `npm test`, in their order: what each one runs, and how long it may take.
 *
 * Owns: the table. Running, timing and counting are test.ts.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COVERAGE } from './lib/coverage.ts'
import { type RunParams, runNode } from './lib/run.ts'
import { stripSources } from './lib/stripped.ts'
import { readTestReport, type TestCounts } from './lib/vitest-report.ts'

/** What a stage gets: the repository's root, and the time it may use. */
export interface StageContext {
  readonly root: string
  readonly timeoutMs: number
}

/** How a stage ended: the reasons it failed (none: it passed), and the tests that it counted. */
export interface StageResult {
  readonly reasons: readonly string[]
  readonly tests?: TestCounts
  readonly note?: string
}

/** One stage. */
export interface Stage {
  readonly name: string
  readonly title: string
  /** The most it may take on a slow machine; the whole run has its own bound besides. */
  readonly timeoutMs: number
  run(context: StageContext): Promise<StageResult>
}

const MINUTE = 60_000
const BIOME = 'node_modules/@biomejs/biome/bin/biome'
const TSC = 'node_modules/typescript/bin/tsc'
const KNIP = 'node_modules/knip/bin/knip.js'
const VITEST = 'node_modules/vitest/vitest.mjs'
/** vitest strips the types of what ran in threads and processes, and Node says each time that it is experimental. */
const QUIET = ['--disable-warning=ExperimentalWarning']

/** Every stage, quick ones first. */
export const STAGES: readonly Stage[] = [
  commands('format', 'formatting and lint', 2, [[BIOME, 'ci', '--error-on-warnings', '--colors=off', '.']]),
  commands('types', 'types, and the core without those of Node', 5, [
    [TSC, '--noEmit', '-p', 'tsconfig.json'],
    [TSC, '--noEmit', '-p', 'tsconfig.core.json'],
  ]),
  commands('imports', 'import rules', 1, [['scripts/check-imports.ts']]),
  commands('protocol', 'definitions of the protocol, and the code made of them', 2, [
    ['scripts/protocol.ts', '--check'],
  ]),
  commands('unused', 'unused files, exports and dependencies', 3, [[KNIP, '--no-progress']]),
  commands('size', 'size of files and functions', 1, [['scripts/check-size.ts']]),
  vitest('unit', 'unit, conformance and fuzz tests', 25, true),
  // counting every branch would make millions of simulated commands four times as slow
  vitest('sim', 'simulations and models', 20),
  vitest('e2e', 'end-to-end tests', 25, true),
  commands('coverage', 'what of src/ the tests ran', 1, [['scripts/coverage.ts']]),
  { name: 'examples', title: 'every example, as a program', timeoutMs: 8 * MINUTE, run: runExamples },
  commands('build', 'build, and a look at what was built', 4, [
    ['scripts/build.ts'],
    ['scripts/check-build.ts'],
  ]),
]

/** A stage of one or more commands; all of them run, so that one failure does not hide another. */
function commands(name: string, title: string, minutes: number, list: readonly string[][]): Stage {
  const run = async (context: StageContext): Promise<StageResult> => {
    const reasons: string[] = []
    for (const args of list) {
      const { reason } = await runIn(context, { args })
      if (reason) reasons.push(list.length > 1 ? `${args.at(-1)}: ${reason}` : reason)
    }
    return { reasons }
  }
  return { name, title, timeoutMs: minutes * MINUTE, run }
}

/** @param isMeasured whether its tests count for the coverage. */
function vitest(project: string, title: string, minutes: number, isMeasured = false): Stage {
  const measured = isMeasured ? ['--coverage', `--coverage.reportsDirectory=${COVERAGE}/${project}`] : []
  const run = (context: StageContext): Promise<StageResult> =>
    withScratch(async (scratch) => {
      const report = join(scratch, 'report.json')
      const args = [
        'run',
        '--project',
        project,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...measured,
      ]
      const { reason } = await runIn(context, {
        args: [...QUIET, VITEST, ...args],
        env: { ...privateHome(scratch), ...stripSources(context.root, join(scratch, 'stripped')) },
      })
      const { counts, problem } = readTestReport(report)
      const found = problem ?? reason
      return { reasons: found ? [found] : [], tests: counts }
    })
  return { name: project, title, timeoutMs: minutes * MINUTE, run }
}

/** Runs `examples/<name>/<name>.ts` and `examples/<name>.ts`: an example passes when it ends with exit code 0. */
async function runExamples(context: StageContext): Promise<StageResult> {
  const folder = join(context.root, 'examples')
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []
  const examples = entries
    .map((entry) => (entry.isDirectory() ? `${entry.name}/${entry.name}.ts` : entry.name))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && existsSync(join(folder, name)))
    .sort()
  const reasons: string[] = []
  for (const example of examples) {
    process.stdout.write(`-- examples/${example}\n`)
    const { reason } = await withScratch((scratch) =>
      // an example may leave files where it is run, such as a store
      runIn({ ...context, root: scratch }, { args: [join(folder, example)], env: privateHome(scratch) }),
    )
    if (reason) reasons.push(`${example}: ${reason}`)
  }
  if (examples.length === 0) reasons.push('there are no examples yet')
  return { reasons, note: `${examples.length} examples` }
}

function runIn({ root, timeoutMs }: StageContext, params: Pick<RunParams, 'args' | 'env'>) {
  return runNode({ cwd: root, timeoutMs, ...params })
}

/** Runs `use` with a new folder that is gone afterwards. Its name is short: sockets in it must fit 107 bytes. */
async function withScratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** An environment in which nothing finds, or harms, the store of the user who runs the tests. */
function privateHome(folder: string): NodeJS.ProcessEnv {
  const ours = Object.keys(process.env).filter((name) => name.startsWith('PERDURE_'))
  return {
    ...Object.fromEntries(ours.map((name) => [name, undefined])),
    HOME: folder,
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_RUNTIME_DIR: folder,
    XDG_STATE_HOME: join(folder, 'state'),
  }
}
