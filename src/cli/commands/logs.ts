/**
 * `perdure logs`: what nodes, workers and jobs say, as one stream.
 */
import type { TailFilter } from '../../runtime/logger/book.ts'
import { formatRecord } from '../../runtime/logger/format.ts'
import type { LogLevel } from '../../std/levels.ts'
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { parseWhole } from '../parse/values.ts'
import { EndSignals } from '../work.ts'

interface LogsOptions {
  readonly worker?: string
  readonly job?: string
  readonly queue?: string
  readonly kind?: string
  readonly namespace?: string
  readonly level?: string
  readonly lines?: string
  readonly follow?: boolean
}

export const define: Definition = (command, run) => {
  command
    .option('-f, --follow', 'go on with what comes, until interrupted')
    .option('--worker <name>', 'of this worker, and of what it runs')
    .option('--job <id>', 'about this job; `perdure output` has all that it wrote')
    .option('--queue <queue>', 'about jobs of this queue')
    .option('--kind <kind>', 'about jobs of this kind')
    .option('--namespace <namespace>', 'about jobs of this namespace')
    .option('--level <level>', 'of this level and above: debug, info, warn or error')
    .option(
      '-n, --lines <n>',
      'begin with at most so many records, the last ones (default: all that are kept)',
    )
  addExamples(
    command,
    ['perdure logs', 'what the node, its workers and its jobs said lately'],
    ['perdure logs -f --level warn', 'what goes wrong, as it happens'],
    ['perdure logs -f --worker farm1:4711:1', 'one worker, with the output of what it runs'],
    ['perdure logs --json -n 100 | jq -r .message', 'for programs: one JSON object per record'],
  )
  command.action(
    run<LogsOptions>((context, _words, options) =>
      context.withStore({ serves: options.follow ?? false, creates: false }, async ({ client, isOwner }) => {
        using signals = new EndSignals()
        const { out } = context
        // they are in the memory of whoever has the store open, and nobody had
        if (isOwner && options.follow !== true)
          out.note('Nobody has the store open, so nothing was said lately.')
        const format = out.json ? 'json' : 'text'
        for await (const record of client.tail(readFilter(options), signals.gently)) {
          for (const line of out.json ? [record.text] : linesOf(record.text))
            await out.raw(`${formatRecord({ ...record, text: line }, format)}\n`)
        }
        const { reason } = signals.gently
        return signals.gently.aborted && reason instanceof Error && 'exit' in reason ? Number(reason.exit) : 0
      }),
    ),
  )
}

function readFilter({ job, lines, level, ...rest }: LogsOptions): TailFilter {
  const { worker, queue, kind, namespace, follow = false } = rest
  return {
    ...(worker === undefined ? {} : { worker }),
    ...(queue === undefined ? {} : { queue }),
    ...(kind === undefined ? {} : { kind }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(job === undefined ? {} : { job: readJob(job) }),
    ...(level === undefined ? {} : { level: level as LogLevel }),
    ...(lines === undefined ? {} : { last: parseWhole('--lines', lines, 0, 1_000_000) }),
    follow,
  }
}

function readJob(text: string): number {
  return parseWhole('--job', text, 1, Number.MAX_SAFE_INTEGER)
}

/** Output comes in pieces of many lines; each gets a line of its own here. */
function linesOf(text: string): readonly string[] {
  return text.replace(/\n$/, '').split('\n')
}
