/** Reads the command line of `npm run crash`. */
import { parseArgs } from 'node:util'
import { SCENARIOS } from './scenarios/all.ts'

export interface CrashOptions {
  /** Names of scenarios; empty for all. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly from: number
  readonly seed: number
}

export const HELP = `usage: npm run crash -- [options]

Does to real processes what must not hurt them, and looks at what they leave behind: nothing
that was acknowledged may be gone, nothing may run twice at once, the store must be whole.

  --only NAME,...   these scenarios only
  --rounds N        rounds of each, default 5
  --from N          the first round, default 1: runs a round again
  --seed N          what is drawn; default: another one each time
  --help            this text

Scenarios:
${SCENARIOS.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}

Exit codes: 0 clean, 1 a scenario itself failed, 2 something never ended, 3 something that must
always hold did not, 64 wrong option. A scenario that cannot run here says so, and is no failure.
`

const DEFAULT_ROUNDS = 5

/**
 * Options from the arguments after the program's name; undefined when help was asked for.
 * @throws Error that names what is wrong
 */
export function readOptions(args: readonly string[]): CrashOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
      from: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const only = values.only.flatMap((list) => list.split(','))
  const unknown = only.find((name) => !SCENARIOS.some((scenario) => scenario.name === name))
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'`)
  const { rounds, from, seed } = values
  return {
    only,
    rounds: readNumber('--rounds', rounds, 1),
    from: readNumber('--from', from, 1),
    seed: readNumber('--seed', seed, 0),
  }
}

function readNumber(name: string, value: string, least: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number
  throw new Error(`${name} takes a whole number of ${least} or more, found '${value}'`)
}
