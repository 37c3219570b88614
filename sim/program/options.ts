/**
 * Options of the program: what there are, and what they mean. Whatever is not understood is refused with the
 * list of all.
 */
import { availableParallelism } from 'node:os'
import type { Cut } from '../scenario.ts'
import { FAULTS, FEATURES, type Swarm } from '../swarm.ts'

export const USAGE = `usage: npm run sim -- WHAT [OPTIONS]
  --seed N              simulate one seed, and print its configuration and the hash of its trace
  --seeds A..B          simulate the seeds from A to B
  --minutes N           simulate fresh seeds for N minutes
  --replay FILE         simulate the scenario of a file, such as one of sim/regressions
  --crash-everywhere    crash at every operation of the store in turn, and at pairs of them
  --mutants             put every known defect into the code, one at a time, and look for it
with --crash-everywhere:
  --cut STORE:CUTS      only these, such as file:12before,40after
with --seeds, --minutes:
  --table               print how often each invariant was looked at, by fault
with --seed, --replay and --cut:
  --trace               print the trace while it runs
with --seed, --seeds, --minutes:
  --without NAMES       leave out these faults and features (comma separated)
  --operations N        make the workload shorter
  --no-shrink           tell of a failure as it was found
  --save FOLDER         where the shrunk scenario of a failure goes; sim/regressions unless a mutant runs
with all of them:
  --mutant NAME         run with a known defect in the code (or MUTANT=NAME); with --mutants: only that one
  --jobs N              processes to use; as many as there are cores unless said otherwise
Exit codes: 0 clean, 1 crash, 2 liveness, 3 safety or a mutant that survives, 64 wrong option.
faults: ${FAULTS.join(' ')}
features: ${FEATURES.join(' ')}`

export class WrongOption extends Error {}

/** What there is to do. */
export type What = 'seed' | 'seeds' | 'minutes' | 'replay' | 'crash-everywhere' | 'mutants'

export interface Options {
  readonly what: What
  readonly from: number
  readonly to: number
  readonly minutes: number
  readonly file: string
  readonly isTraced: boolean
  readonly without: readonly string[]
  readonly operations: number | undefined
  readonly shrinks: boolean
  readonly folder: string | undefined
  readonly mutant: string | undefined
  readonly jobs: number
  /** Only these deaths, of all that `--crash-everywhere` tries. */
  readonly cuts: { readonly store: Swarm['store']; readonly at: readonly Cut[] } | undefined
  /** Whether to tell how often each invariant was looked at, by fault. */
  readonly tells: boolean
}

type Draft = { -readonly [K in keyof Options]: Options[K] }

/** Reads one option with its value. */
const READERS: Readonly<Record<string, (draft: Draft, value: string, name: string) => void>> = {
  '--seed': (draft, value, name) => {
    draft.from = draft.to = readNumber(name, value)
    choose(draft, 'seed')
  },
  '--seeds': (draft, value, name) => {
    const parts = /^(\d+)\.\.(\d+)$/.exec(value)
    if (parts === null || Number(parts[1]) > Number(parts[2]))
      throw new WrongOption(`${name} takes A..B with A <= B, found '${value}'`)
    draft.from = readNumber(name, parts[1] as string)
    draft.to = readNumber(name, parts[2] as string)
    choose(draft, 'seeds')
  },
  '--minutes': (draft, value, name) => {
    draft.minutes = readNumber(name, value)
    if (draft.minutes === 0) throw new WrongOption(`${name} takes at least 1, found '${value}'`)
    choose(draft, 'minutes')
  },
  '--replay': (draft, value) => {
    draft.file = value
    choose(draft, 'replay')
  },
  '--without': (draft, value) => {
    draft.without = readNames(value)
  },
  '--operations': (draft, value, name) => {
    draft.operations = readNumber(name, value)
  },
  '--save': (draft, value) => {
    draft.folder = value
  },
  '--mutant': (draft, value) => {
    draft.mutant = value
  },
  '--cut': (draft, value, name) => {
    const [store, list = ''] = value.split(':')
    const at = list.split(',').map((cut) => /^(\d+)(before|after)$/.exec(cut))
    if ((store !== 'file' && store !== 'network') || at.includes(null))
      throw new WrongOption(`${name} takes STORE:CUTS such as file:12before,40after, found '${value}'`)
    draft.cuts = { store, at: at.map((cut): Cut => [Number(cut?.[1]), cut?.[2] as Cut[1]]) }
  },
  '--jobs': (draft, value, name) => {
    draft.jobs = readNumber(name, value)
    if (draft.jobs === 0) throw new WrongOption(`${name} takes at least 1, found '${value}'`)
  },
}

const SWITCHES: Readonly<Record<string, (draft: Draft) => void>> = {
  '--trace': (draft) => {
    draft.isTraced = true
  },
  '--table': (draft) => {
    draft.tells = true
  },
  '--no-shrink': (draft) => {
    draft.shrinks = false
  },
  '--crash-everywhere': (draft) => choose(draft, 'crash-everywhere'),
  '--mutants': (draft) => choose(draft, 'mutants'),
}

/**
 * Reads the command line.
 *
 * @param mutants Names of the mutants that there are.
 * @throws WrongOption
 */
export function readOptions(
  args: readonly string[],
  mutants: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Options {
  const draft: Draft = {
    what: undefined as unknown as What,
    from: 1,
    to: Number.MAX_SAFE_INTEGER,
    minutes: 0,
    file: '',
    isTraced: false,
    without: [],
    operations: undefined,
    shrinks: true,
    folder: undefined,
    mutant: environment.MUTANT === '' ? undefined : environment.MUTANT,
    jobs: availableParallelism(),
    cuts: undefined,
    tells: false,
  }
  for (let i = 0; i < args.length; i++) {
    const name = args[i] as string
    if (Object.hasOwn(SWITCHES, name)) {
      SWITCHES[name]?.(draft)
      continue
    }
    if (!Object.hasOwn(READERS, name)) throw new WrongOption(`there is no option '${name}'`)
    const value = args[++i]
    if (value === undefined) throw new WrongOption(`${name} needs a value`)
    READERS[name]?.(draft, value, name)
  }
  if (draft.what === undefined) throw new WrongOption('no option says what to do')
  if (draft.mutant !== undefined && !mutants.includes(draft.mutant))
    throw new WrongOption(`there is no mutant '${draft.mutant}'; there are: ${mutants.join(' ')}`)
  return draft
}

function choose(draft: Draft, what: What): void {
  if (draft.what !== undefined && draft.what !== what)
    throw new WrongOption(`--${draft.what} and --${what} cannot be had together`)
  draft.what = what
}

function readNames(value: string): string[] {
  const names = value.split(',')
  const wrong = names.find((name) => ![...FAULTS, ...FEATURES].some((known) => known === name))
  if (wrong !== undefined) throw new WrongOption(`there is no fault or feature '${wrong}'`)
  return names
}

function readNumber(name: string, value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number))
    throw new WrongOption(`${name} takes a whole number, found '${value}'`)
  return number
}
