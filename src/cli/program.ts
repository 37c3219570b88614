/**
 * The command line: its exit codes and its help, around the commands of commands.ts.
 */
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { ERROR_KINDS, PerdureError } from '../errors.ts'
import { type Entry, GROUPS, type RunAction } from './commands.ts'
import { addCommonOptions, type CommonOptions, makeContext } from './context.ts'
import { Output, type Streams } from './output.ts'
import { usageError } from './usage-error.ts'

/** Runs one command line; answers the exit code. Never throws. */
export async function runProgram(
  words: readonly string[],
  streams: Streams,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  let exit = 0
  const run: RunAction =
    (action) =>
    async (...values) => {
      const command = values.at(-1) as Command
      const options = command.optsWithGlobals() as CommonOptions
      const context = makeContext(streams, env, options)
      try {
        exit = (await action(context, command.args, options as never)) ?? 0
      } catch (error) {
        exit = context.out.error(error)
      }
    }
  const program = buildProgram(streams, run)
  try {
    await program.parseAsync(withHelpOption(words), { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERROR_KINDS.INVALID_OPTION.exit
    if (!(error instanceof PerdureError)) streams.stderr.write(`${(error as Error).stack ?? error}\n`)
    // the options were not understood, so there is no context that knows this
    const json = words.slice(0, [...words, '--'].indexOf('--')).includes('--json')
    return new Output(streams, { json, quiet: false }).error(error)
  }
  return exit
}

function buildProgram(streams: Streams, run: RunAction): Command {
  const program = new Command('perdure')
  const entries = new Map<Command, Entry>()
  const prepare = (command: Command): Command =>
    command
      .exitOverride((end) => {
        // help and versions end here as well
        if (end.exitCode === 0 || end.code === 'commander.help') throw end
        const name = command === program ? 'perdure' : `perdure ${command.name()}`
        throw usageError(end, name, command.usage())
      })
      .configureOutput({
        writeOut: (text) => void streams.stdout.write(text),
        writeErr: (text) => void streams.stderr.write(text),
        // told by whoever catches it, in the form of all errors
        outputError: () => {},
      })
  prepare(addCommonOptions(program))
    .description('Runs work that must not be lost.')
    .usage('[options] <command> ...')
    .enablePositionalOptions()
    .version(packageVersion(), '-V, --version', 'print the version')
    .hook('preSubcommand', async (_, command) => {
      const entry = entries.get(command)
      if (entry === undefined) return
      const { define } = await entry.load()
      define(command, run)
      // behind the command's own, which are what its help is read for
      addCommonOptions(command.optionsGroup('Options of every command:'))
    })
    .addHelpText(
      'after',
      '\nExamples:\n  perdure submit -- make -j4\n  perdure xargs -n 1 -P 4 gzip < list\n  perdure worker -j 8\n  perdure status --watch\n\nEvery command has a --help of its own, with examples.',
    )
  for (const { heading, entries: inGroup } of GROUPS) {
    program.commandsGroup(`${heading}:`)
    for (const entry of inGroup) {
      const command = prepare(program.command(entry.name))
        .summary(entry.summary)
        .description(`${entry.summary[0]?.toUpperCase()}${entry.summary.slice(1)}.`)
        .usage(entry.usage)
      for (const alias of entry.aliases ?? []) command.alias(alias)
      entries.set(command, entry)
    }
  }
  program.helpCommand('help [command]', 'show the help of a command')
  return program
}

/** `help NAME` is `NAME --help`: commander's own would show a command that is not loaded, which has no options yet. */
function withHelpOption(words: readonly string[]): string[] {
  const [first, name] = words
  if (first !== 'help' || name === undefined) return [...words]
  const isKnown = GROUPS.some(({ entries }) =>
    entries.some((entry) => entry.name === name || entry.aliases?.includes(name)),
  )
  // an unknown one is told so
  return isKnown ? [name, '--help'] : [name]
}

/** The version of this package; both `src/cli` and `dist/cli` lie two folders below its manifest. */
export function packageVersion(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string }
  return manifest.version
}
