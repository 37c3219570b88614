/**
 * What every command is given: its output, its store, its surroundings.
 */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { readAddress } from './address.ts'
import { endOnBrokenPipe, Output, type Streams } from './output.ts'
import type { OpenOptions, OpenStore } from './store.ts'

/** Options that every command has. */
export interface CommonOptions {
  readonly url?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** The surroundings of a command. */
export interface Context {
  readonly out: Output
  readonly env: NodeJS.ProcessEnv
  readonly now: () => number
  /** Whether there is anything at the address that the options name. */
  hasStore(): boolean
  /** Opens the store that the options name, hands it over, and closes it whatever happens. */
  withStore<T>(options: OpenOptions, act: (store: OpenStore) => Promise<T>): Promise<T>
}

/** What a command does: it answers the exit code, or nothing for 0. */
export type Action<Options> = (
  context: Context,
  words: string[],
  options: Options,
) => Promise<number | undefined>

/** Makes the context of one run. */
export function makeContext(streams: Streams, env: NodeJS.ProcessEnv, options: CommonOptions): Context {
  endOnBrokenPipe(streams)
  const out = new Output(streams, { json: options.json ?? false, quiet: options.quiet ?? false })
  return {
    out,
    env,
    now: Date.now,
    hasStore: () => existsSync(readAddress(options.url, env).path),
    async withStore(opening, act) {
      const address = readAddress(options.url, env)
      const { openStore } = await import('./store.ts')
      const store = await openStore(address, opening)
      try {
        return await act(store)
      } finally {
        await store.close()
      }
    },
  }
}

/** Adds the options that every command has, so that they may stand before and behind its name. */
export function addCommonOptions(command: Command): Command {
  return command
    .option(
      '--url <url>',
      'store to use: sqlite:FILE or unix:SOCKET (default: PERDURE_URL, or your own store)',
    )
    .option('--json', 'write one JSON value per line to standard output, and errors as JSON')
    .option('--quiet', 'no notes and no progress on standard error')
}

/** Adds examples below the help of a command. */
export function addExamples(command: Command, ...examples: readonly [string, string][]): Command {
  const lines = examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** For options that may be given more than once. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value]
}
