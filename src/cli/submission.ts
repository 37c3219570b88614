/**
 * The options that `submit` and `xargs` share: where, when and how a command is to run.
 *
 * Owns: what of this process's surroundings goes along. Environment and folder become one object that all jobs of
 * a submission share, so that the store keeps it once.
 */
import { type Command, Option } from 'commander'
import type { Client, ImportedJob } from '../client/client.ts'
import type { Enqueued, JobSpec, ProfileOptions } from '../client/types.ts'
import type { CommandContext } from '../core/model/profile.ts'
import { invalidOption, wrongUse } from '../std/options.ts'
import { type Context, collect } from './context.ts'
import { parseAfter, parseLimits, parseMoment, parsePairs, parseSpan, parseWhole } from './parse/values.ts'
import { addPlacementOptions, type PlacementOptions, readPlacement } from './placement.ts'

/** The kind of jobs that run commands. */
export const SHELL_KIND = 'shell'

/** Options of any job, as commander gives them. */
export interface JobOptions {
  readonly queue?: string
  readonly priority?: string
  readonly delay?: string
  readonly at?: string
  readonly after?: readonly string[]
  readonly limit?: readonly string[]
  readonly meta?: readonly string[]
  readonly name?: string
  readonly hold?: boolean
}

/** Submission options, as commander gives them. */
export interface SubmissionOptions extends PlacementOptions, JobOptions {
  readonly retry?: string
  readonly timeout?: string
  readonly user?: string
  readonly group?: string
  readonly as?: string
  readonly cwd?: string
  readonly env?: readonly string[]
  readonly envClear?: boolean
}

/** Adds the options that say where and when a job runs. */
export function addJobOptions(command: Command): Command {
  return command
    .option('--queue <queue>', 'line to stand in (default: "default")')
    .option('--priority <n>', 'smaller runs first, as with nice (default: 0)')
    .addOption(new Option('--delay <duration>', 'not before this has passed, such as 10m').conflicts('at'))
    .option('--at <moment>', 'not before this moment: 2030-01-31T18:00, 18:00, or @epoch-seconds')
    .option(
      '--after <ids>',
      'after these jobs; behind an id: ":fail" if that one fails, fail too (default), ":cancel", ":run" anyway',
      collect,
    )
    .option('--limit <key=max>', 'at most so many jobs with this key at once; may be given again', collect)
    .option('--meta <name=value>', 'metadata to find the job by; may be given again', collect)
    .option('--name <name>', 'the same as --meta name=NAME')
    .option('--hold', 'keep the job from starting until `perdure release`')
}

/** Adds the shared options of commands as jobs. */
export function addSubmissionOptions(command: Command): Command {
  const common = addJobOptions(command)
    .option(
      '--retry <n>',
      'run a failing command up to so many times more (default: only when a worker was lost)',
    )
    .option('--timeout <duration>', 'end an attempt that takes longer, such as 90s')
    .option('--user <user>', 'run as this user (the worker must be allowed to)')
    .option('--group <group>', 'run as this group')
    .addOption(
      new Option('--as <user[:group]>', 'the same as --user and --group').conflicts(['user', 'group']),
    )
    .option('--cwd <folder>', 'run in this folder (default: the present one)')
    .option('--env <name=value>', 'set a variable; may be given again', collect)
    .option('--env-clear', 'do not take the present environment along')
  return addPlacementOptions(common)
}

/**
 * Variables that differ from call to call and mean nothing to a job, without which equal environments are equal; and the
 * credential of whoever submits, which is nobody else's and is not to be stored.
 */
const LEFT_OUT = new Set(['_', 'SHLVL', 'OLDPWD', 'PERDURE_TOKEN'])

/** What the options say about every job of a submission. `input` is for the caller to add. */
export function readSubmission(context: Context, options: SubmissionOptions): JobSpec {
  return { ...readJob(context, options), kind: SHELL_KIND, options: readProfile(context, options) }
}

/** What the options say about where and when a job runs. */
export function readJob(context: Context, options: JobOptions): JobSpec {
  const { queue, priority, delay, at, after, limit, name, hold } = options
  if (hold && (delay !== undefined || at !== undefined)) {
    throw wrongUse('--hold', 'given without --delay and --at', 'both', 'Release the job when it is to run')
  }
  const metadata = { ...parsePairs('--meta', options.meta ?? []), ...(name === undefined ? {} : { name }) }
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority: parseWhole('--priority', priority, -1e6, 1e6) }),
    ...(delay === undefined ? {} : { delayMs: parseSpan('--delay', delay) }),
    ...(at === undefined ? {} : { dueAt: parseMoment('--at', at, context.now()) }),
    ...(after === undefined ? {} : { after: parseAfter(after) }),
    ...(limit === undefined ? {} : { limits: parseLimits(limit) }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

function readProfile(context: Context, options: SubmissionOptions): ProfileOptions {
  const { retry, timeout } = options
  const requires = readPlacement(options)
  return {
    // A command that fails would most often fail again; one whose worker was lost has not failed.
    retry:
      retry === undefined
        ? { attempts: 3, on: 'lost' }
        : { attempts: parseWhole('--retry', retry, 0, 1_000) + 1, on: 'any' },
    ...(timeout === undefined ? {} : { timeouts: { startToCloseMs: parseSpan('--timeout', timeout) } }),
    command: readCommandContext(context, options),
    ...(requires === undefined ? {} : { requires }),
  }
}

/** Whom commands run as. */
function readIdentity({ as, user, group }: SubmissionOptions): Pick<CommandContext, 'user' | 'group'> {
  if (as === undefined)
    return { ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) }
  const [name = '', ofGroup, ...rest] = as.split(':')
  if ((name === '' && !ofGroup) || ofGroup === '' || rest.length > 0)
    throw invalidOption('--as', 'a user, user:group or :group', as)
  return { ...(name === '' ? {} : { user: name }), ...(ofGroup === undefined ? {} : { group: ofGroup }) }
}

function readCommandContext({ env }: Context, options: SubmissionOptions): CommandContext {
  const taken = options.envClear
    ? []
    : Object.entries(env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && !LEFT_OUT.has(entry[0]),
      )
  return {
    env: { ...Object.fromEntries(taken), ...parsePairs('--env', options.env ?? []) },
    cwd: options.cwd ?? process.cwd(),
    ...readIdentity(options),
  }
}

/** The umask of this process as shell jobs take it. */
export function currentUmask(): string {
  return process.umask().toString(8).padStart(3, '0')
}

/** Enqueues jobs; held ones never start in between, as they are stored held. */
export function enqueueJobs(
  client: Client,
  jobs: readonly JobSpec[],
  isHeld: boolean,
  now: number,
): Promise<Enqueued[]> {
  if (!isHeld) return client.enqueue(jobs)
  return client.import(jobs.map((job): ImportedJob => ({ ...job, createdAt: now, state: 'held' })))
}
