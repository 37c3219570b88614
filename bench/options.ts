/** Reads the command line of the bench. */
import { parseArgs } from 'node:util'
import { rows } from './rows.ts'

export interface BenchOptions {
  quick: boolean
  peers: boolean
  /** Ids of the rows to measure; empty for all. */
  only: string[]
  /** Rounds of each measurement, of which the median counts; no more than a measurement has by itself. */
  rounds: number
  json: string | undefined
  /** Rewrite the results after a quick run as well. */
  write: boolean
}

/** Rounds of a run that says nothing else. */
export const MOST_ROUNDS = 3

export const HELP = `Usage: npm run bench -- [options]

Measures Perdure beside the floor (the same rows, written by the raw driver) and beside
other job queues. A full run takes about forty minutes and rewrites bench/RESULTS.md and
bench/results.svg; with --quick, --only or --no-peers nothing is rewritten.

  --quick         less of everything, and the peers that the bars name, in about three minutes
  --rounds N      so many rounds of everything, from 1 to 3, instead of 3
  --only ID,...   these rows only; may be given more than once
  --no-peers      without the other queues: no servers, nothing to install
  --json FILE     write the rows to FILE as JSON as well
  --write         with --quick: rewrite the results all the same; they say that the run was quick
  --help          this text

Rows:
${rows.map((row) => `  ${row.id.padEnd(28)} ${row.what}`).join('\n')}
`

/**
 * Options from the arguments after the program's name; undefined when help was asked for.
 * @throws Error that names what is wrong and lists what is known
 */
export function readOptions(arguments_: string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: arguments_,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      'no-peers': { type: 'boolean', default: false },
      rounds: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const only = values.only.flatMap((list) => list.split(',')).map((id) => id.trim())
  const known = rows.map((row) => row.id)
  const unknown = only.filter((id) => !known.includes(id))
  if (unknown.length > 0) {
    const name = unknown.map((id) => `"${id}"`).join(', ')
    throw new Error(`unknown row ${name}; known are:\n  ${known.join('\n  ')}`)
  }
  return {
    quick: values.quick,
    peers: !values['no-peers'],
    only,
    rounds: values.quick ? 1 : roundsOf(values.rounds),
    json: values.json,
    write: values.write,
  }
}

function roundsOf(given: string | undefined): number {
  if (given === undefined) return MOST_ROUNDS
  const rounds = Number(given)
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= MOST_ROUNDS) return rounds
  throw new Error(`--rounds takes a whole number from 1 to ${MOST_ROUNDS}; found "${given}"`)
}
