/**
 * `perdure submit`: one command, as a job.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option } from 'commander'
import type { JobSpec } from '../../client/types.ts'
import { perdureError } from '../../errors.ts'
import { invalidOption, wrongUse } from '../../std/options.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { exitOfAll } from '../ends.ts'
import { runInForeground } from '../foreground.ts'
import { hintOf } from '../hints.ts'
import { readAll } from '../input.ts'
import { noteIdle, noteUnplaced } from '../notes.ts'
import type { OpenStore } from '../store.ts'
import {
  addSubmissionOptions,
  currentUmask,
  enqueueJobs,
  readSubmission,
  type SubmissionOptions,
} from '../submission.ts'

interface SubmitOptions extends SubmissionOptions {
  readonly key?: string
  readonly stdin?: string
  readonly script?: string
  readonly wait?: boolean
}

export const define: Definition = (command, run) => {
  command
    .argument('[command...]', 'the command and its arguments; with --script, the arguments of the script')
    .passThroughOptions()
    .option('--key <key>', 'submit only if no job has this key; prints the id of the one that has')
    .option('--stdin <file>', 'standard input of the command: a file, or - for what comes in here now')
    .option('--script <text>', 'run this shell script instead of a command; - reads it from standard input')
    .addOption(
      new Option('-w, --wait', 'wait for the end, pass its output on, and exit as it does').conflicts('hold'),
    )
  addSubmissionOptions(command)
  addExamples(
    command,
    ['perdure submit -- convert in.png out.jpg', 'prints the id of the new job; a worker runs it'],
    ['perdure submit --wait --timeout 10m make -j4', 'runs it now, and exits as make does'],
    ['perdure submit --after 12,13:run --retry 2 ./report.sh', 'after two other jobs, with two more tries'],
    [`perdure submit --script 'tar c "$1" | zstd > "$1.tar.zst"' photos`, 'a script with an argument'],
  )
  command.action(
    run<SubmitOptions>(async (context, words, options) => {
      const spec = await readSpec(context, words, options)
      return context.withStore({ serves: options.wait ?? false }, (store) =>
        options.wait ? submitAndWait(context, store, spec, options) : submit(context, store, spec, options),
      )
    }),
  )
}

async function readSpec(
  context: Context,
  words: readonly string[],
  options: SubmitOptions,
): Promise<JobSpec> {
  const { script, stdin, key } = options
  if (script === undefined && words.length === 0) {
    throw wrongUse('the command', 'given', 'none', 'Write it behind the options: `perdure submit -- make`')
  }
  if (script === '-' && stdin === '-') {
    throw invalidOption('--stdin', 'a file when the script comes from standard input', '-')
  }
  const text = script === '-' ? await readAll(process.stdin) : script
  const input = {
    ...(text === undefined
      ? { argv: words }
      : { script: text, ...(words.length > 0 ? { args: words } : {}) }),
    ...(stdin === undefined ? {} : { stdin: await readStdinOption(stdin) }),
    umask: currentUmask(),
  }
  const hint = hintOf(text === undefined ? words.slice(1) : words, options.cwd ?? process.cwd())
  return {
    ...{ ...readSubmission(context, options), input },
    ...(key === undefined ? {} : { key }),
    ...(hint === undefined ? {} : { hint }),
  }
}

async function readStdinOption(stdin: string): Promise<{ text: string } | { file: string }> {
  if (stdin === '-') return { text: await readAll(process.stdin) }
  const file = resolve(stdin)
  if (existsSync(file)) return { file }
  throw perdureError('NOT_FOUND', {
    expected: 'an existing file for --stdin',
    found: file,
    fix: 'Correct the path; it is read when the job runs, from where you are now',
    data: { path: file },
  })
}

async function submit(
  context: Context,
  store: OpenStore,
  spec: JobSpec,
  options: SubmitOptions,
): Promise<number> {
  const [job] = await enqueueJobs(store.client, [spec], options.hold ?? false, context.now())
  if (job === undefined) return 1
  context.out.data(job, `${job.id}\n`)
  if (!job.created) context.out.note(`Job ${job.id} has this key already; nothing was submitted.`)
  await noteIdle(context, store, spec.queue)
  if (spec.options?.requires !== undefined) await noteUnplaced(context, store, job.id)
  return 0
}

async function submitAndWait(
  context: Context,
  store: OpenStore,
  spec: JobSpec,
  options: SubmitOptions,
): Promise<number> {
  let id = 0
  const result = await runInForeground(context, store, {
    name: 'submit',
    queue: options.queue,
    concurrency: 1,
    showsProgress: false,
    submit: async (queue, add) => {
      const [job] = await store.client.enqueue([{ ...spec, queue }])
      if (job === undefined) return
      id = job.id
      context.out.note(job.created ? `Job ${id}` : `Job ${id} has this key already; waiting for it.`)
      add([id])
    },
    onEnd: (end) => {
      if (context.out.json) context.out.data(end, '')
      // A command that fails has said why; its exit code becomes ours.
      else if (end.error !== null && end.error.code !== 'EXIT_CODE')
        context.out.note(`perdure: ${end.error.message}`)
    },
  })
  if (result.interrupted !== undefined) {
    context.out.note(
      `Job ${id} stays in the queue ${result.queue}. Carry on with \`perdure worker --until-empty ${result.queue}\`, or end it with \`perdure kill ${id}\`.`,
    )
    return result.interrupted.exit
  }
  return exitOfAll(result)
}
