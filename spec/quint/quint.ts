/**
 * Quint: starts its simulator and its test runner, offline, and reads what they print.
 *
 * Only the TypeScript backend is used: the others download programs. A run that finds a violation or a failed test
 * is an answer, a Quint that cannot be run is an error.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromItf } from './values.ts'

const PROGRAM = fileURLToPath(
  new URL('../../node_modules/@informalsystems/quint/dist/src/cli.js', import.meta.url),
)
/** The folder of the models. */
export const MODELS = fileURLToPath(new URL('../models/', import.meta.url))

/** What to simulate: which module of which model, how many runs of how many steps, from which seed. */
export interface SimulateParams {
  /** A file of {@link MODELS} without its ending, or its whole path. */
  readonly model: string
  readonly module: string
  /** Names of the actions that begin and go on; `init` and `step` where nothing is said. */
  readonly actions?: readonly [string, string]
  readonly runs: number
  readonly steps: number
  readonly seed: number
  readonly invariants?: readonly string[]
  readonly witnesses?: readonly string[]
}

/** What a simulation found. */
export interface Simulated {
  /** The invariants that were violated, in the first run that violated any. */
  readonly violated: readonly string[]
  /** In how many runs each witness was seen. */
  readonly witnessed: ReadonlyMap<string, number>
  /** The run that violated something, else some run. */
  readonly trace: readonly TraceState[]
}

/** One state of a trace: the values of the model's variables. */
export type TraceState = Readonly<Record<string, unknown>>

/** Simulates random runs. */
export function simulate(params: SimulateParams): Promise<Simulated> {
  const { invariants = [], witnesses = [] } = params
  return withScratch(async (folder) => {
    const out = join(folder, 'trace.itf.json')
    // a run is read from its file: of long ones, Quint does not print all before it ends
    const args = [...runArgs(params), '--verbosity', '1', '--out-itf', out]
    if (invariants.length > 0) args.push('--invariants', ...invariants)
    if (witnesses.length > 0) args.push('--witnesses', ...witnesses)
    const text = await quint(args)
    if (!/\[(ok|violation)\]/.test(text)) throw failure(params.model, text)
    const violated = [...text.matchAll(/❌ (\w+)/g)].map((match) => match[1] as string)
    if (text.includes('[violation]') && violated.length === 0) violated.push(...invariants)
    const seen = [...text.matchAll(/^(\w+) was witnessed in (\d+) trace/gm)]
    const witnessed = new Map(seen.map((match) => [match[1] as string, Number(match[2])]))
    return { violated, witnessed, trace: readTrace(readFileSync(out, 'utf8')) }
  })
}

/** Random runs as traces: per run its states, the first one included. */
export function traces(params: Omit<SimulateParams, 'invariants' | 'witnesses'>): Promise<TraceState[][]> {
  return withScratch(async (folder) => {
    const out = join(folder, 'trace_{seq}.itf.json')
    const numbers = ['--verbosity', '1', '--n-traces', String(params.runs)]
    const text = await quint([...runArgs(params), ...numbers, '--out-itf', out])
    const files = readdirSync(folder).sort()
    if (files.length === 0) throw failure(params.model, text)
    return files.map((file) => readTrace(readFileSync(join(folder, file), 'utf8')))
  })
}

/** Runs `use` with a new folder that is gone afterwards. */
export async function withScratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-spec-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function runArgs({ model, module, runs, steps, seed, actions = ['init', 'step'] }: SimulateParams): string[] {
  const numbers = ['--max-samples', runs, '--max-steps', steps, '--seed', spread(seed)].map(String)
  const names = ['--main', module, '--init', actions[0], '--step', actions[1]]
  return ['run', resolve(MODELS, `${model}.qnt`), '--backend', 'typescript', ...names, ...numbers]
}

/**
 * Quint counts on from its seed, so that seeds near each other lead to the same runs; these lie far apart.
 * 2^64 divided by the golden ratio spreads whole numbers evenly.
 */
function spread(seed: number): bigint {
  return BigInt.asUintN(63, BigInt(seed) * 0x9e3779b97f4a7c15n)
}

/** Names of variables come with those of the modules around them, which say nothing here. */
function readTrace(json: string): TraceState[] {
  const { states } = JSON.parse(json) as { states: Record<string, unknown>[] }
  return states.map((state) =>
    Object.fromEntries(
      Object.entries(state)
        .filter(([name]) => !name.startsWith('#'))
        .map(([name, value]) => [name.split('::').at(-1) as string, fromItf(value)]),
    ),
  )
}

function failure(model: string, text: string): Error {
  return new Error(`quint could not simulate ${model}:\n${text.slice(0, 2_000)}`)
}

/** Runs Quint; answers what it printed. */
function quint(args: readonly string[]): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
    }
    child.on('error', failed)
    child.on('close', () => done(text))
  })
}
