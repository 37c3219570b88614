/**
 * The gate of coverage: every branch of the core, nine in ten lines and branches of all else, by the tests of the stages `unit` and `e2e`
 * together, threads and child processes included. Exit code 1 when there is less.
 *
 * Owns: the bars. Not measured: what is generated, what only tests load, and lives that were ended by SIGKILL.
 *
 * Usage: node scripts/coverage.ts [--gaps PREFIX]      lists what no test ran, such as `--gaps src/core`
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { coverageFile, type FileCoverage, type Folded, fold, percent, type Share } from './lib/coverage.ts'
import { listSources } from './lib/source.ts'

const STAGES = ['unit', 'e2e']

/** A part of the tree, and what of it must have been run, in per cent. */
interface Bar {
  readonly name: string
  readonly holds: (path: string) => boolean
  readonly lines: number
  readonly branches: number
}

const isCore = (path: string): boolean => path.startsWith('src/core/')
const BARS: readonly Bar[] = [
  { name: 'src/core', holds: isCore, lines: 100, branches: 100 },
  { name: 'elsewhere in src', holds: (path) => !isCore(path), lines: 90, branches: 90 },
]

const write = (text: string): void => void process.stdout.write(`${text}\n`)

/** Everything that was measured, by path from the root. */
function readAll(root: string): Map<string, Folded> {
  const files = new Map<string, Folded>()
  for (const stage of STAGES) {
    const report = coverageFile(root, stage)
    if (!existsSync(report))
      throw new Error(`there is no coverage of the stage ${stage}; run that stage first`)
    const measuredAt = statSync(report).mtimeMs
    for (const path of listSources(root, ['src'])) {
      if (statSync(join(root, path)).mtimeMs > measuredAt)
        throw new Error(`${path} is newer than the coverage of the stage ${stage}; run that stage again`)
    }
    const measured = JSON.parse(readFileSync(report, 'utf8')) as Record<string, FileCoverage>
    for (const [absolute, coverage] of Object.entries(measured)) {
      const path = relative(root, absolute)
      const folded = files.get(path) ?? { lines: new Map(), branches: new Map() }
      files.set(path, folded)
      fold(folded, coverage, readFileSync(absolute, 'utf8').split('\n'))
    }
  }
  return files
}

interface Shares {
  readonly lines: Share
  readonly branches: Share
}

function sharesOf(files: Iterable<Folded>): Shares {
  const shares = { lines: { covered: 0, all: 0 }, branches: { covered: 0, all: 0 } }
  const count = (share: Share, isCovered: boolean): void => {
    share.all++
    if (isCovered) share.covered++
  }
  for (const { lines, branches } of files) {
    for (const times of lines.values()) count(shares.lines, times > 0)
    for (const { ways } of branches.values()) for (const times of ways) count(shares.branches, times > 0)
  }
  return shares
}

/** The lines of a file that no test ran, or of which no test took every way. */
function gapsOf({ lines, branches }: Folded): string {
  const gaps = new Set<number>()
  for (const [line, times] of lines) if (times === 0) gaps.add(line)
  for (const { line, ways } of branches.values()) if (ways.includes(0)) gaps.add(line)
  return [...gaps].sort((a, b) => a - b).join(', ')
}

function row(name: string, { lines, branches }: Shares): string {
  return `${name.padEnd(24)} ${percent(lines).padStart(6)} ${percent(branches).padStart(9)}`
}

/** Prints the parts of the tree, and what is missing; answers whether every bar is met. */
function judge(files: ReadonlyMap<string, Folded>): boolean {
  const parts = Map.groupBy(files, ([path]) => path.split('/').slice(0, 2).join('/'))
  write('part                     lines%  branches%')
  for (const [name, of] of [...parts].sort()) write(row(name, sharesOf(of.map(([, folded]) => folded))))
  write('')
  let isMet = true
  for (const { name, holds, lines, branches } of BARS) {
    const of = [...files].filter(([path]) => holds(path))
    const shares = sharesOf(of.map(([, folded]) => folded))
    const isEnough = Number(percent(shares.lines)) >= lines && Number(percent(shares.branches)) >= branches
    write(`${row(name, shares)}  ${isEnough ? 'enough' : `too little: ${lines} and ${branches} are wanted`}`)
    isMet &&= isEnough
    if (!isEnough) for (const [path, folded] of worstOf(of)) write(`  ${path}: ${gapsOf(folded)}`)
  }
  return isMet
}

const MOST_NAMED = 20

function worstOf(files: readonly [string, Folded][]): [string, Folded][] {
  const missing = (folded: Folded): number => {
    const { branches, lines } = sharesOf([folded])
    return branches.all - branches.covered + lines.all - lines.covered
  }
  return files
    .filter(([, folded]) => missing(folded) > 0)
    .sort(([, a], [, b]) => missing(b) - missing(a))
    .slice(0, MOST_NAMED)
}

try {
  const { values } = parseArgs({ options: { gaps: { type: 'string' } } })
  const files = readAll(process.cwd())
  if (values.gaps === undefined) process.exitCode = judge(files) ? 0 : 1
  else
    for (const [path, folded] of [...files].sort()) {
      const gaps = path.startsWith(values.gaps) ? gapsOf(folded) : ''
      if (gaps !== '') write(`${path}: ${gaps}`)
    }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
