/**
 * The command line: its commands, its exit codes, its help.
 *
 * Owns: which file holds which command. A command's file is loaded only when that command is called, so that
 * none pays for what another needs.
 */
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { ERROR_KINDS, PerdureError } from '../errors.ts'
import { type Action, addCommonOptions, type CommonOptions, makeContext } from './context.ts'
import type { Streams } from './output.ts'

/** Defines one command: its options, its help, and how it is run. */
export type Definition = (command: Command, run: RunAction) => void

/** Makes the handler of a command from its action. */
export type RunAction = <Options extends object>(
  action: Action<Options>,
) => (...values: unknown[]) => Promise<void>

interface Entry {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly usage: string
  readonly summary: string
  readonly load: () => Promise<{ readonly define: Definition }>
}

const COMMANDS: readonly Entry[] = [
  {
    name: 'submit',
    usage: '[options] [--] command [arguments...]',
    summary: 'submit a command as a job',
    load: () => import('./commands/submit.ts'),
  },
  {
    name: 'enqueue',
    usage: '[options] <kind> [json]',
    summary: 'enqueue a job or a workflow that a module defines',
    load: () => import('./commands/enqueue.ts'),
  },
  {
    name: 'xargs',
    usage: '[options] [--] command [arguments...]',
    summary: 'run a command over items from standard input',
    load: () => import('./commands/xargs.ts'),
  },
  {
    name: 'status',
    aliases: ['ls'],
    usage: '[options] [id...]',
    summary: 'show jobs and queues',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'show',
    usage: '[options] <id>',
    summary: 'show what a workflow run did',
    load: () => import('./commands/show.ts'),
  },
  {
    name: 'output',
    usage: '[options] <id...>',
    summary: 'show what jobs wrote',
    load: () => import('./commands/output.ts'),
  },
  {
    name: 'logs',
    usage: '[options]',
    summary: 'show what nodes, workers and jobs say',
    load: () => import('./commands/logs.ts'),
  },
  {
    name: 'wait',
    usage: '[options] [id...]',
    summary: 'wait until jobs have ended',
    load: () => import('./commands/wait.ts'),
  },
  {
    name: 'kill',
    aliases: ['cancel'],
    usage: '[options] [id...]',
    summary: 'cancel jobs',
    load: () => import('./commands/kill.ts'),
  },
  {
    name: 'retry',
    usage: '[options] [id...]',
    summary: 'run failed or cancelled jobs again',
    load: () => import('./commands/retry.ts'),
  },
  {
    name: 'rm',
    usage: '[options] [id...]',
    summary: 'delete ended jobs',
    load: () => import('./commands/rm.ts'),
  },
  {
    name: 'hold',
    usage: '[options] [id...]',
    summary: 'put jobs aside',
    load: () => import('./commands/hold.ts'),
  },
  {
    name: 'release',
    usage: '[options] [id...]',
    summary: 'take held jobs back in',
    load: () => import('./commands/release.ts'),
  },
  {
    name: 'repin',
    usage: '[options] [id...]',
    summary: 'move workflow runs to another version',
    load: () => import('./commands/repin.ts'),
  },
  {
    name: 'signal',
    usage: '[options] <run> <name> [json]',
    summary: 'tell a workflow run something',
    load: () => import('./commands/signal.ts'),
  },
  {
    name: 'inbox',
    usage: '[options] [token]',
    summary: 'show what workflow runs ask people',
    load: () => import('./commands/inbox.ts'),
  },
  {
    name: 'answer',
    usage: '[options] <token> <json>',
    summary: 'answer a question of the inbox',
    load: () => import('./commands/answer.ts'),
  },
  {
    name: 'fork',
    usage: '[options] <run>',
    summary: 'begin another run with what one had done',
    load: () => import('./commands/fork.ts'),
  },
  {
    name: 'replay',
    usage: '[options] <file> <run>',
    summary: 'hold the code of a workflow against what a run did',
    load: () => import('./commands/replay.ts'),
  },
  {
    name: 'pause',
    usage: '[options] <queue...>',
    summary: 'stop handing out jobs of queues',
    load: () => import('./commands/pause.ts'),
  },
  {
    name: 'resume',
    usage: '[options] <queue...>',
    summary: 'hand out jobs of queues again',
    load: () => import('./commands/resume.ts'),
  },
  {
    name: 'worker',
    usage: '[options] [queue...]',
    summary: 'run submitted commands',
    load: () => import('./commands/worker.ts'),
  },
  {
    name: 'run',
    usage: '[options] <file>',
    summary: 'run the jobs that a module defines',
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'node',
    usage: '[options]',
    summary: 'serve a store to others over the network',
    load: () => import('./commands/node.ts'),
  },
  {
    name: 'up',
    usage: '[options] <file>',
    summary: 'serve a store and run the jobs that a module defines',
    load: () => import('./commands/up.ts'),
  },
  {
    name: 'token',
    usage: '[options] <create|list|rotate|revoke> [words...]',
    summary: 'make and end the tokens that a node lets in',
    load: () => import('./commands/token.ts'),
  },
  {
    name: 'audit',
    usage: '[options] <show|verify>',
    summary: 'show what operators did by way of a node',
    load: () => import('./commands/audit.ts'),
  },
  {
    name: 'config',
    usage: '[options] <check|print> [file]',
    summary: 'check the configuration, or show all settings',
    load: () => import('./commands/config.ts'),
  },
  {
    name: 'doctor',
    usage: '[options]',
    summary: 'check the store and what it runs on',
    load: () => import('./commands/doctor.ts'),
  },
]

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
    await program.parseAsync(words as string[], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERROR_KINDS.INVALID_OPTION.exit
    streams.stderr.write(`perdure: ${error instanceof Error ? error.stack : String(error)}\n`)
    return error instanceof PerdureError ? error.exit : ERROR_KINDS.INTERNAL.exit
  }
  return exit
}

function buildProgram(streams: Streams, run: RunAction): Command {
  const program = new Command('perdure')
  const entries = new Map<Command, Entry>()
  const prepare = (command: Command): Command =>
    command
      .exitOverride()
      .showHelpAfterError('(add --help for more)')
      .configureOutput({
        writeOut: (text) => void streams.stdout.write(text),
        writeErr: (text) => void streams.stderr.write(text.replace(/^error: /, 'perdure: ')),
      })
  prepare(addCommonOptions(program))
    .description('Runs work that must not be lost.')
    .usage('[options] <command> ...')
    .enablePositionalOptions()
    .version(packageVersion(), '-V, --version', 'print the version')
    .hook('preSubcommand', async (_, command) => {
      const entry = entries.get(command)
      if (entry !== undefined) (await entry.load()).define(command, run)
    })
    .addHelpText(
      'after',
      '\nExamples:\n  perdure submit -- make -j4\n  perdure xargs -n 1 -P 4 gzip < list\n  perdure worker -j 8\n  perdure status --watch\n\nEvery command has a --help of its own, with examples.',
    )
  for (const entry of COMMANDS) {
    const command = prepare(addCommonOptions(program.command(entry.name)))
    command
      .summary(entry.summary)
      .description(`${entry.summary[0]?.toUpperCase()}${entry.summary.slice(1)}.`)
      .usage(entry.usage)
    for (const alias of entry.aliases ?? []) command.alias(alias)
    entries.set(command, entry)
  }
  return program
}

/** The version of this package; both `src/cli` and `dist/cli` lie two folders below its manifest. */
export function packageVersion(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string }
  return manifest.version
}
