/**
 * `perdure status`: queues and jobs, once or again and again.
 */
import type { Client } from '../../client/client.ts'
import type { JobQuery, JobView } from '../../client/types.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { renderDetails, renderJobs, renderQueues } from '../describe.ts'
import { parseIds, parseSpan, parseWhole } from '../parse/values.ts'
import { renderWorkers } from '../render/workers.ts'
import { addFilterOptions, type FilterOptions, filterQuery, listAll } from '../select.ts'
import { EndSignals } from '../work.ts'

interface StatusOptions extends FilterOptions {
  readonly watch?: boolean
  readonly interval?: string
  readonly limit?: string
  readonly queues?: boolean
  readonly workers?: boolean
  readonly oldest?: boolean
}

const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l'
const LEAVE_SCREEN = '\x1b[?25h\x1b[?1049l'

export const define: Definition = (command, run) => {
  command
    .argument('[id...]', 'ids and ranges of them; one id alone shows everything about the job')
    .option('-w, --watch', 'go on showing, like top, until interrupted; with --json: a line per change')
    .option('--interval <duration>', 'time between two pictures', '1s')
    .option('-n, --limit <n>', 'show at most so many jobs (0: all)')
    .option('--queues', 'only the counts of the queues')
    .option('--workers', 'the workers, and what each of them runs')
    .option('--oldest', 'the oldest jobs first')
  addFilterOptions(command)
  addExamples(
    command,
    ['perdure status', 'counts of all queues, and the newest jobs'],
    ['perdure status 12', 'everything about job 12'],
    ['perdure status --state failed --meta batch=7', 'what failed in one batch'],
    ['perdure status --workers', 'who works, on what, and how it went'],
    ['perdure status --watch --queue video', 'one queue, for as long as you look'],
    ['perdure status --json --limit 0 --state succeeded | jq .result', 'for programs: one job per line'],
  )
  command.action(
    run<StatusOptions>(async (context, words, options) => {
      const view = readView(words, options)
      const isWatch = options.watch ?? false
      // Looking makes no store: where there is none there are no jobs.
      if (!isWatch && view.single === undefined && !(await context.hasStore())) {
        if (!context.out.json) context.out.stdout.write('No jobs.\n')
        return 0
      }
      return context.withStore({ serves: isWatch, creates: isWatch }, async ({ client }) => {
        if (!isWatch) return showOnce(context, client, view)
        return context.out.json ? streamChanges(context, client, view) : watch(context, client, view, options)
      })
    }),
  )
}

interface View {
  readonly query: JobQuery
  readonly limit: number
  readonly isFiltered: boolean
  readonly onlyQueues: boolean
  readonly onlyWorkers: boolean
  /** The one job that was asked for. */
  readonly single: number | undefined
}

function readView(words: readonly string[], options: StatusOptions): View {
  const filter = filterQuery(options)
  const named = words.length > 0 ? parseIds(words) : undefined
  const limit = parseWhole('--limit', options.limit ?? (named === undefined ? '20' : '0'), 0, 1e9)
  return {
    query: {
      ...filter,
      ...(named === undefined ? {} : { ids: named.map(({ id }) => id) }),
      order: (options.oldest ?? named !== undefined) ? 'oldest' : 'newest',
    },
    limit: limit === 0 ? Number.POSITIVE_INFINITY : limit,
    isFiltered: filter !== undefined || named !== undefined,
    onlyQueues: options.queues ?? false,
    onlyWorkers: options.workers ?? false,
    single: named?.length === 1 && named[0]?.isExact && filter === undefined ? named[0].id : undefined,
  }
}

async function showOnce(context: Context, client: Client, view: View): Promise<number> {
  const { out } = context
  if (view.onlyWorkers && out.json) {
    for (const worker of await client.workers()) out.data(worker, '')
  } else if (view.single !== undefined) {
    const job = await client.get(view.single)
    out.data(job, renderDetails(job, context.now(), out.width))
  } else if (out.json) {
    if (view.onlyQueues) for (const queue of await client.counts()) out.data(queue, '')
    else
      for await (const job of listAll(client, view.query, view.limit))
        await out.raw(`${JSON.stringify(job)}\n`)
  } else {
    await out.raw(await picture(context, client, view, out.width))
  }
  return 0
}

/** Queues, then jobs, as text. */
async function picture(context: Context, client: Client, view: View, width: number): Promise<string> {
  if (view.onlyWorkers) return renderWorkers(await client.workers(), context.now(), width)
  const parts: string[] = []
  if (!view.isFiltered || view.onlyQueues) parts.push(renderQueues(await client.counts(), width))
  if (!view.onlyQueues) {
    const jobs: JobView[] = []
    for await (const job of listAll(client, view.query, view.limit)) jobs.push(job)
    if (jobs.length > 0) parts.push(renderJobs(jobs, context.now(), width))
  }
  const text = parts.filter((part) => part !== '').join('\n')
  return text === '' ? 'No jobs.\n' : text
}

/** Draws again and again; in place on a terminal, one below the other elsewhere. */
async function watch(context: Context, client: Client, view: View, options: StatusOptions): Promise<number> {
  using signals = new EndSignals()
  const { out } = context
  const everyMs = Math.max(100, parseSpan('--interval', options.interval ?? '1s'))
  if (out.isTerminal) out.stdout.write(ENTER_SCREEN)
  try {
    while (!signals.gently.aborted) {
      const width = out.width
      const text =
        view.single === undefined
          ? await picture(context, client, view, width)
          : renderDetails(await client.get(view.single), context.now(), width)
      if (out.isTerminal) out.stdout.write(inPlace(text, out.stdout.rows ?? 24))
      else await out.raw(`${text}\n`)
      await pause(everyMs, signals.gently)
    }
  } finally {
    if (out.isTerminal) out.stdout.write(LEAVE_SCREEN)
  }
  return 0
}

/** From the upper left corner, each line cleared to its end, never more lines than there are rows. */
function inPlace(text: string, rows: number): string {
  const lines = text
    .trimEnd()
    .split('\n')
    .slice(0, rows - 1)
  return `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\r\n\x1b[J`
}

async function streamChanges(context: Context, client: Client, view: View): Promise<number> {
  using signals = new EndSignals()
  const { ids, queue } = view.query
  const filter = { ...(ids === undefined ? {} : { ids }), ...(queue === undefined ? {} : { queue }) }
  for await (const event of client.watch(filter, signals.gently))
    await context.out.raw(`${JSON.stringify(event)}\n`)
  return 0
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
