/**
 * The demo: thousands of real jobs over every file of node_modules, a worker process that is killed in the middle,
 * and the proof that nothing was lost.
 *
 * Owns: the story, from the plan to the proof. Run it with `npm run demo`, or `npm run demo -- --help`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type App, type JobHandle, open, type PerdureError } from '../../src/index.ts'
import { listAll, type ManifestResult, type Place, placeIn } from './jobs.ts'
import { draftGraph, type Folder, filesOf, planFolders } from './plan.ts'
import { computeDirectly, KILL_LINE, readLedger, wrongInArchives } from './proof.ts'
import { bytesText, count, progress, say } from './screen.ts'

const HELP = `Runs a graph of durable jobs over the files of node_modules, kills the worker in the middle, and proves
that nothing was lost.

Usage: npm run demo -- [options]

  --files N   use only the first N files (default: all)
  --jobs N    run at most N jobs at once (default: two per processor)
  --tree DIR  another folder than node_modules
  --keep      keep the folder with the store, the ledger and what the jobs made
  --help      this text
`

/** A wait this long without any job ending means that the demo is stuck. */
const STUCK_MS = 60_000

interface Options {
  readonly files: number
  readonly jobs: number
  readonly root: string
  readonly keep: boolean
}

/** Reads the command line; ends the process for `--help` and for mistakes. */
function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        files: { type: 'string' },
        jobs: { type: 'string' },
        tree: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(HELP)
      process.exit(0)
    }
    return {
      files: readNumber('--files', values.files, Number.MAX_SAFE_INTEGER),
      jobs: readNumber('--jobs', values.jobs, 2 * availableParallelism()),
      root: resolve(values.tree ?? join(import.meta.dirname, '..', '..', 'node_modules')),
      keep: values.keep,
    }
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n\n${HELP}`)
    process.exit(64)
  }
}

function readNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`expected ${name} to be a whole number from 1, found '${text}'`)
}

/** The worker process. It owns the store; this process only asks it, over its socket. */
class WorkerProcess {
  static #started = 0
  static #living = new Set<ChildProcess>()
  readonly #child: ChildProcess
  readonly number = ++WorkerProcess.#started

  /** Ends whatever still runs, without waiting. */
  static endAll(): void {
    for (const child of WorkerProcess.#living) child.kill('SIGKILL')
  }

  constructor({ home, root }: Place, jobs: number) {
    const file = join(import.meta.dirname, 'worker.ts')
    this.#child = spawn(process.execPath, [file, home, root, String(jobs)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    WorkerProcess.#living.add(this.#child)
    this.#child.once('exit', () => WorkerProcess.#living.delete(this.#child))
  }

  /** Resolves when it answers at its socket. */
  async ready(): Promise<void> {
    const died = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`worker ${this.number} ended early (${signal ?? code})`)
    })
    await Promise.race([once(this.#child, 'message'), died])
    died.catch(() => {})
    say(`  worker ${this.number} works as process ${this.#child.pid}`)
  }

  /** Ends the process, and resolves when it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exit
  }
}

/** Follows the jobs until `isEnough`, or until the connection breaks; both are the watch ending, never a sleep. */
async function follow(app: App, total: number, isEnough: (succeeded: number) => boolean): Promise<void> {
  let drawnAt = 0
  const stuck = new AbortController()
  const timer = setTimeout(() => stuck.abort(), STUCK_MS)
  const events = app.watch({}, stuck.signal)
  let succeeded = await succeededJobs(app)
  try {
    if (isEnough(succeeded)) return
    for await (const { state } of events) {
      if (state === 'failed' || state === 'cancelled') return
      if (state !== 'succeeded') continue
      timer.refresh()
      succeeded++
      // counting what the events say is nearly right; the counts of the store are exactly right
      if (performance.now() - drawnAt > 100 || isEnough(succeeded)) {
        drawnAt = performance.now()
        const states = await statesOf(app)
        succeeded = states.succeeded
        progress.show(succeeded, total, states.running)
        if (isEnough(succeeded)) return
      }
    }
    if (stuck.signal.aborted) throw new Error(`no job ended for ${STUCK_MS / 1_000} s`)
  } finally {
    clearTimeout(timer)
    stuck.abort()
  }
}

async function statesOf(app: App): Promise<{ succeeded: number; running: number }> {
  const all = await app.counts()
  const sum = (state: 'succeeded' | 'running') => all.reduce((so, { states }) => so + states[state], 0)
  return { succeeded: sum('succeeded'), running: sum('running') }
}

async function succeededJobs(app: App): Promise<number> {
  return (await statesOf(app)).succeeded
}

interface Run {
  readonly place: Place
  readonly folders: readonly Folder[]
  /** Jobs in all. */
  readonly total: number
  readonly jobs: number
}

/** Enqueues everything, kills the worker after a third, starts another, and waits for the end. */
async function runJobs({ place, folders, total, jobs }: Run): Promise<void> {
  let worker = new WorkerProcess(place, jobs)
  try {
    await worker.ready()
    await using app = await open(`unix:${place.socket}`)
    const began = performance.now()
    const handles = await app.enqueueMany(draftGraph(folders, place), { request: 'demo' })
    say(`  ${count(total)} jobs are on disk after ${secondsSince(began)}`)
    const manifest = handles.at(-1) as JobHandle<ManifestResult>

    const third = Math.ceil(total / 3)
    await follow(app, total, (succeeded) => succeeded >= third)
    const { succeeded, running } = await statesOf(app)
    await worker.end('SIGKILL')
    appendFileSync(place.ledger, `${KILL_LINE}\n`)
    say(`  worker ${worker.number} was killed (SIGKILL): ${count(succeeded)} jobs done, ${running} running`)

    worker = new WorkerProcess(place, jobs)
    await worker.ready()
    await follow(app, total, (now) => now >= total)
    const { files } = await manifest.result({ timeout: STUCK_MS })
    say(`  the manifest of ${count(files)} files is written; ${secondsSince(began)} in all`)
  } catch (error) {
    await worker.end('SIGKILL')
    throw error
  }
  await prove(place, folders, total)
  await worker.end('SIGTERM')
}

/** Holds what the jobs made and what the store says against what is true. Throws when anything is missing. */
async function prove(place: Place, folders: readonly Folder[], total: number): Promise<void> {
  say('\nIs that so?')
  const failures: string[] = []
  const check = (holds: boolean, text: string, why = ''): void => {
    say(`  ${holds ? 'yes' : 'NO '}  ${text}${holds || why === '' ? '' : `: ${why}`}`)
    if (!holds) failures.push(text)
  }
  const { succeeded, others, lost } = await takeStock(place)
  check(
    succeeded === total && others.length === 0,
    `every job succeeded: ${count(succeeded)} of ${count(total)}`,
    others.slice(0, 5).join(', '),
  )
  const expected = computeDirectly(place.root, folders)
  const made = readFileSync(join(place.out, 'manifest'), 'utf8')
  check(made === expected.text, 'the manifest equals one computed directly, without Perdure')
  const wrong = wrongInArchives(place.out, folders, expected)
  check(
    wrong.length === 0,
    'every archive unpacks to the files it was made from',
    wrong.slice(0, 5).join(', '),
  )
  const { runs, cutOff, overlaps } = readLedger(readFileSync(place.ledger, 'utf8'))
  check(
    overlaps.length === 0,
    `no job ran twice at once: ${count(runs)} runs in the ledger`,
    overlaps.slice(0, 5).join(', '),
  )
  const cost = lost === 1 ? '1 attempt' : `${lost} attempts`
  check(cutOff <= lost, `the kill cost ${cost}, which ran again`, `${cutOff} runs were cut off`)
  if (failures.length > 0) throw new Error(`${failures.length} of 5 proofs failed`)
}

interface Stock {
  readonly succeeded: number
  /** Jobs that did not succeed, in words. */
  readonly others: readonly string[]
  /** Attempts that ended because their worker had gone. */
  readonly lost: number
}

/** Reads every job of the store, and the attempts of those that were tried more than once. */
async function takeStock(place: Place): Promise<Stock> {
  await using app = await open(`unix:${place.socket}`)
  const others: string[] = []
  let succeeded = 0
  let lost = 0
  for await (const { id, state, attempts, error } of listAll(place)) {
    if (state === 'succeeded') succeeded++
    else others.push(`job ${id} ${state} ${error?.message ?? ''}`)
    if (attempts < 2) continue
    const { history } = await app.get(id)
    lost += history.filter(({ outcome }) => outcome === 'lost').length
  }
  return { succeeded, others, lost }
}

function secondsSince(moment: number): string {
  return `${((performance.now() - moment) / 1_000).toFixed(1)} s`
}

async function main(): Promise<void> {
  const options = readOptions()
  const began = performance.now()
  const home = mkdtempSync(join(tmpdir(), 'perdure-'))
  const discard = () => rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      WorkerProcess.endAll()
      if (!options.keep) discard()
      process.exit(exit)
    })
  }
  try {
    const place = placeIn(home, options.root)
    mkdirSync(place.out)
    const folders = planFolders(options.root, options.files)
    const files = filesOf(folders)
    const batches = folders.reduce((sum, folder) => sum + folder.batches.length, 0)
    const total = files.length + batches + folders.length + 1
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    say(`Every file of ${options.root}, as durable jobs:`)
    say(`  ${count(files.length)} files in ${count(folders.length)} packages, ${bytesText(bytes)}`)
    const line = (many: number, what: string) => say(`  ${count(many).padStart(6)} ${what}`)
    line(batches, 'shell jobs     checksum and compress a batch of files')
    line(files.length, 'function jobs  parse and measure one file')
    line(folders.length, 'groups         join the jobs of one package')
    line(1, 'manifest       waits for all groups')
    say()
    await runJobs({ place, folders, total, jobs: options.jobs })
    say(`\nNothing was lost. The whole demo took ${secondsSince(began)}.`)
  } catch (error) {
    const code = (error as PerdureError).code
    say(`\nThe demo failed: ${code === undefined ? '' : `${code} `}${(error as Error).message}`)
    process.exitCode = 1
  } finally {
    if (options.keep) say(`Kept: ${home}`)
    else discard()
  }
}

await main()
