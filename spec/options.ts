/**
 * Options of `npm run spec`: what they are, what they default to, and how a wrong one is refused.
 */
import { parseArgs } from 'node:util'
import { SCENARIOS } from './search/scenarios.ts'

/** What can be done, in its order. */
export const PARTS = ['simulate', 'defects', 'replay', 'record', 'search'] as const
export type PartName = (typeof PARTS)[number]

/** What to do, and how much. */
export interface Options {
  readonly parts: readonly PartName[]
  readonly runs: number
  readonly steps: number
  readonly seed: number
  readonly depth: number
  readonly scenarios: readonly string[]
  /** Most time for each scenario. */
  readonly seconds: number
}

const SCENARIO_NAMES = SCENARIOS.map(({ name }) => name)

export const USAGE = `usage: npm run spec -- [OPTIONS]
  --only PARTS       only these of: ${PARTS.join(', ')} (comma separated)
  --runs N           random runs of each model and of the core (default 200)
  --steps N          commands in each run (default 40)
  --seed N           where their random numbers come from (default 1)
  --depth N          commands that the search goes deep (default 6)
  --scenarios NAMES  search only these of: ${SCENARIO_NAMES.join(', ')}
  --seconds N        the most time for the search of each scenario (default 600)
  --help             this text
Exit codes: 0 all holds, 1 crash, 2 a defect was not caught, or something that has to happen did not, 3 an invariant
was violated, or model and core part, 64 wrong option.`

/** A wrong option; the message says what was expected. */
export class WrongOption extends Error {}

/** Reads options; undefined where help was asked for. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parse(args)
  if (values.help) return undefined
  return {
    parts: readNames('--only', values.only, PARTS),
    runs: readNumber('--runs', values.runs),
    steps: readNumber('--steps', values.steps),
    seed: readNumber('--seed', values.seed),
    depth: readNumber('--depth', values.depth),
    scenarios: readNames('--scenarios', values.scenarios, SCENARIO_NAMES),
    seconds: readNumber('--seconds', values.seconds),
  }
}

function parse(args: readonly string[]) {
  const text = (value: string) => ({ type: 'string', default: value }) as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: text(PARTS.join()),
        runs: text('200'),
        steps: text('40'),
        seed: text('1'),
        depth: text('6'),
        scenarios: text(SCENARIO_NAMES.join()),
        seconds: text('600'),
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new WrongOption((error as Error).message)
  }
}

function readNumber(name: string, value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number === 0)
    throw new WrongOption(`${name} takes a whole number above 0, found '${value}'`)
  return number
}

function readNames<Name extends string>(name: string, value: string, known: readonly Name[]): Name[] {
  const names = value.split(',')
  const wrong = names.find((one) => !known.some((other) => other === one))
  if (wrong !== undefined)
    throw new WrongOption(`${name} takes some of ${known.join(', ')}, found '${wrong}'`)
  return known.filter((one) => names.includes(one))
}
