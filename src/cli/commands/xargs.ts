/**
 * `perdure xargs`: a command over items from standard input, each call of it a job.
 */
import { createReadStream } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Client } from '../../client/client.ts'
import type { JobEnd, JobSpec } from '../../client/types.ts'
import { perdureError } from '../../errors.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { runInForeground } from '../foreground.ts'
import { hintOf } from '../hints.ts'
import { readText } from '../input.ts'
import { noteIdle } from '../notes.ts'
import { Batcher, type BatchRule } from '../parse/batches.ts'
import { parseWhole } from '../parse/values.ts'
import { parseDelimiter, type SplitMode, Splitter } from '../parse/xargs.ts'
import {
  addSubmissionOptions,
  currentUmask,
  enqueueJobs,
  readSubmission,
  type SubmissionOptions,
} from '../submission.ts'

interface XargsOptions extends SubmissionOptions {
  readonly maxArgs?: string
  readonly maxLines?: string
  readonly replace?: string
  readonly maxProcs?: string
  readonly maxChars?: string
  readonly null?: boolean
  readonly delimiter?: string
  readonly argFile?: string
  readonly detach?: boolean
}

/** Jobs in one enqueue; all or none of them. */
const MOST_AT_ONCE = 10_000
/** The exit codes of xargs: some call failed; or it could not be started at all. */
const SOME_FAILED = 123
/** With -P 0. */
const MOST_SLOTS = 256

export const define: Definition = (command, run) => {
  command
    .argument('[command...]', 'the command and its first arguments (default: echo)')
    .passThroughOptions()
    .option('-n, --max-args <n>', 'at most so many items in one call')
    .option('-L, --max-lines <n>', 'so many lines of items in one call')
    .option('-I, --replace <text>', 'one line in one call, in place of this text in the command')
    .option(
      '-P, --max-procs <n>',
      'so many calls at once; 0: as many as possible (default: 1). More than 1 without -n or -L implies -n 1',
    )
    .option('-s, --max-chars <n>', 'at most so many bytes in one call', '131072')
    .option('-0, --null', 'items end in a zero byte, and nothing in them is special')
    .option('-d, --delimiter <character>', 'items end in this character, and nothing in them is special')
    .option('-a, --arg-file <file>', 'read items from a file')
    .option('-r, --no-run-if-empty', 'for compatibility: without items nothing is ever run')
    .option('--detach', 'do not run and wait: leave the calls to workers, and print their ids')
  addSubmissionOptions(command)
  addExamples(
    command,
    [
      'find . -name "*.log" -print0 | perdure xargs -0 -n 1 -P 4 gzip',
      'one job per file, four at once; 123 is the exit code if any fails',
    ],
    ['perdure xargs -I {} -P 8 -- convert {} {}.jpg < list', 'the item goes wherever {} stands'],
    [
      'perdure xargs --detach --limit api=2 -n 1 ./fetch.sh < urls',
      'leaves the work to `perdure worker`, two at once',
    ],
  )
  command.action(
    run<XargsOptions>((context, words, options) => {
      const plan = readPlan(words, options)
      const spec = readSubmission(context, options)
      return options.detach ? detach(context, plan, spec, options) : runAll(context, plan, spec, options)
    }),
  )
}

interface Plan {
  readonly mode: SplitMode
  readonly rule: BatchRule
  readonly concurrency: number
}

function readPlan(words: readonly string[], options: XargsOptions): Plan {
  const { replace, delimiter } = options
  const procs = parseWhole('-P', options.maxProcs ?? '1', 0, 100_000)
  const lines = options.maxLines === undefined ? undefined : parseWhole('-L', options.maxLines, 1, 1e9)
  const isSpread = procs !== 1 && lines === undefined && replace === undefined
  const maxItems =
    options.maxArgs !== undefined ? parseWhole('-n', options.maxArgs, 1, 1e9) : isSpread ? 1 : undefined
  const separator = options.null ? '\0' : delimiter === undefined ? undefined : parseDelimiter(delimiter)
  return {
    mode:
      separator !== undefined
        ? { type: 'delimiter', delimiter: separator }
        : { type: replace === undefined ? 'words' : 'lines' },
    rule: {
      command: words.length > 0 ? words : ['echo'],
      maxBytes: parseWhole('-s', options.maxChars ?? '131072', 1, 131_072),
      ...(maxItems === undefined ? {} : { maxItems }),
      ...(lines === undefined ? {} : { lines }),
      ...(replace === undefined ? {} : { replace }),
    },
    concurrency: procs === 0 ? Math.max(availableParallelism(), MOST_SLOTS) : procs,
  }
}

/** Reads all items and enqueues their calls as they come; `add` gets the ids of each piece. */
async function submitAll(
  client: Client,
  plan: Plan,
  spec: JobSpec,
  options: XargsOptions,
  now: () => number,
  add: (ids: readonly number[]) => void,
  signal?: AbortSignal,
): Promise<void> {
  const umask = currentUmask()
  const folder = options.cwd ?? process.cwd()
  let calls: string[][] = []
  const batcher = new Batcher(plan.rule, (argv) => calls.push(argv))
  const splitter = new Splitter(plan.mode, batcher)
  const send = async () => {
    const sending = calls
    calls = []
    for (let at = 0; at < sending.length; at += MOST_AT_ONCE) {
      signal?.throwIfAborted()
      const jobs = sending.slice(at, at + MOST_AT_ONCE).map((argv): JobSpec => {
        const hint = hintOf(argv.slice(1), folder)
        return { ...spec, input: { argv, umask }, ...(hint === undefined ? {} : { hint }) }
      })
      add((await enqueueJobs(client, jobs, options.hold ?? false, now())).map(({ id }) => id))
    }
  }
  const source = openSource(options.argFile)
  const stop = () => source.destroy()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    for await (const text of readText(source)) {
      splitter.push(text)
      if (calls.length > 0) await send()
    }
    splitter.finish()
    batcher.flush()
    await send()
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    source.destroy()
  }
}

function openSource(file: string | undefined) {
  return file === undefined || file === '-' ? process.stdin : createReadStream(file)
}

async function runAll(context: Context, plan: Plan, spec: JobSpec, options: XargsOptions): Promise<number> {
  return context.withStore({ serves: true }, async (store) => {
    const result = await runInForeground(context, store, {
      name: 'xargs',
      queue: options.queue,
      concurrency: plan.concurrency,
      showsProgress: true,
      submit: (queue, add, signal) =>
        submitAll(store.client, plan, { ...spec, queue }, options, context.now, add, signal).catch(
          missingFile,
        ),
      onEnd: (end) => tell(context, end),
    })
    const { interrupted, queue, failed, count } = result
    if (interrupted !== undefined) {
      context.out.note(
        `What is left stays in the queue ${queue}. Carry on with \`perdure worker --until-empty ${queue}\`, or end it with \`perdure kill --queue ${queue}\`.`,
      )
      return interrupted.exit
    }
    if (failed > 0)
      context.out.note(
        `${failed} of ${count} failed; see \`perdure status --state failed,cancelled --queue ${queue}\`.`,
      )
    return failed > 0 ? SOME_FAILED : 0
  })
}

function tell(context: Context, end: JobEnd): void {
  if (context.out.json) context.out.data(end, '')
  else if (end.state !== 'succeeded')
    context.out.note(
      `perdure: job ${end.id} ${end.state}${end.error === null ? '' : `: ${end.error.message}`}`,
    )
}

async function detach(context: Context, plan: Plan, spec: JobSpec, options: XargsOptions): Promise<number> {
  return context.withStore({ serves: true }, async (store) => {
    const add = (ids: readonly number[]) => {
      for (const id of ids) context.out.data({ id }, `${id}\n`)
    }
    await submitAll(store.client, plan, spec, options, context.now, add).catch(missingFile)
    await noteIdle(context, store, spec.queue)
    return 0
  })
}

function missingFile(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOENT' && error.code !== 'EACCES' && error.code !== 'EISDIR') throw error
  throw perdureError('NOT_FOUND', {
    expected: 'a file that can be read after --arg-file',
    found: `${error.code} for ${error.path ?? 'it'}`,
    fix: 'Correct the path',
    cause: error,
  })
}
