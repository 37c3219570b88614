/**
 * The command line inside a test: a command runs in this process, on streams that a test reads, with or without a person
 * in front of them.
 */
import { PassThrough } from 'node:stream'
import type { Streams } from '../output.ts'
import { runProgram } from '../program.ts'

/** How a command ended, and what it wrote. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Columns of the person's terminal. */
const COLUMNS = 60

/**
 * Runs one command line to its end.
 *
 * @param isTerminal whether a person looks at both streams. Default false.
 */
export async function runHere(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  isTerminal = false,
): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') => {
    const through = Object.assign(new PassThrough(), { isTTY: isTerminal, columns: COLUMNS, rows: 10 })
    through.setEncoding('utf8').on('data', (text: string) => {
      written[name] += text
    })
    return through
  }
  const streams = { stdout: stream('stdout'), stderr: stream('stderr') }
  const code = await runProgram(words, streams as unknown as Streams, env)
  return { code, ...written }
}
