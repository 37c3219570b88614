/**
 * `perdure output`: what jobs wrote.
 */
import type { LogEntry } from '../../client/types.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { noteIdle } from '../notes.ts'
import { parseIds, parseWhole } from '../parse/values.ts'
import { EndSignals } from '../work.ts'

interface OutputOptions {
  readonly follow?: boolean
  readonly attempt?: string
  readonly stdout?: boolean
  readonly stderr?: boolean
  readonly raw?: boolean
}

export const define: Definition = (command, run) => {
  command
    .argument('<id...>', 'ids and ranges of them')
    .option('-f, --follow', 'go on until the job has ended')
    .option('--attempt <n>', 'of this attempt (default: all)')
    .option('--stdout', 'only standard output')
    .option('--stderr', 'only standard error, written to standard output')
    .option('--raw', 'keep control sequences even on a terminal')
  addExamples(
    command,
    ['perdure output 12', 'what job 12 wrote to its standard output and error, each to ours'],
    ['perdure output -f 12', 'the same, while it is written'],
    ['perdure output --stderr 12 | grep -i warning', 'only its standard error'],
    ['perdure output --json 12 | jq -r .at', 'with the moment of each piece'],
  )
  command.action(
    run<OutputOptions>((context, words, options) =>
      context.withStore({ serves: options.follow ?? false, creates: false }, async (store) => {
        using signals = new EndSignals()
        const ids = parseIds(words)
        const attempt =
          options.attempt === undefined ? {} : { attempt: parseWhole('--attempt', options.attempt, 1, 1e9) }
        if (options.follow) await noteIdle(context, store)
        for (const { id } of ids) {
          const entries = store.client.logs(id, {
            ...attempt,
            follow: options.follow ?? false,
            signal: signals.gently,
          })
          for await (const entry of entries) await write(context, entry, options)
        }
        const { reason } = signals.gently
        return signals.gently.aborted && reason instanceof Error && 'exit' in reason ? Number(reason.exit) : 0
      }),
    ),
  )
}

async function write({ out }: Context, entry: LogEntry, options: OutputOptions): Promise<void> {
  const isData = entry.stream === 'stdout'
  const isChosen = options.stdout === options.stderr || (options.stdout ? isData : entry.stream === 'stderr')
  if (!isChosen) return
  if (out.json) await out.raw(`${JSON.stringify(entry)}\n`)
  else
    await out.raw(
      entry.text,
      isData || (options.stderr && !options.stdout) ? 'stdout' : 'stderr',
      options.raw,
    )
}
