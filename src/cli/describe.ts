/**
 * Jobs in the words of the status table.
 *
 * Owns: what stands in each column. Lays nothing out; `render/text.ts` does, and makes everything safe.
 */
import type { JobDetails, JobView, QueueCounts } from '../client/types.ts'
import { JOB_STATES, type JobState } from '../core/model/states.ts'
import { textOf } from '../errors.ts'
import { HUMAN_KIND } from '../workflow/human-task.ts'
import { describeRequirements } from './placement.ts'
import { type Column, renderTable, shortSpan } from './render/text.ts'

const SAFE_WORD = /^[\w@%+=:,./-]+$/

/** A word as a shell would need it. */
export function quoteWord(word: string): string {
  return SAFE_WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** What a job is, in one line: the command of shell jobs, the question to a person, else the kind and its input. */
export function describeJob(job: Pick<JobView, 'kind' | 'input'>): string {
  const { kind, input } = job
  if (kind === null) return '(group)'
  if (kind === 'shell' && typeof input === 'object' && input !== null) {
    const { argv, script, args } = input as { argv?: unknown; script?: unknown; args?: unknown }
    if (Array.isArray(argv)) return argv.map(textOf).map(quoteWord).join(' ')
    if (typeof script === 'string') {
      const words = Array.isArray(args) ? args.map(textOf).map(quoteWord) : []
      return [script.trim().split('\n')[0] ?? '', ...words].join(' ')
    }
  }
  if (kind === HUMAN_KIND && typeof input === 'object' && input !== null) {
    const { assignee, title } = input as { assignee?: unknown; title?: unknown }
    return `ask ${textOf(assignee ?? 'anybody')}: ${textOf(title)}`
  }
  return input === null || input === undefined ? kind : `${kind} ${JSON.stringify(input)}`
}

/** What is worth knowing about a job at this moment. */
export function noteOn(job: JobView, now: number): string {
  const { state, progress, error, pendingDependencies: pending } = job
  if (job.cancelRequested && state === 'running') return 'asked to stop'
  if (state === 'running' && progress !== null) {
    return `${Math.floor(progress.fraction * 100)}%${progress.message === null ? '' : ` ${progress.message}`}`
  }
  if (state === 'scheduled')
    return `in ${shortSpan(job.dueAt - now)}${error === null ? '' : `, after ${error.code}`}`
  if (state === 'blocked') return `after ${pending} ${pending === 1 ? 'job' : 'jobs'}`
  if (job.unplaced !== null) return job.unplaced
  if (job.kind === HUMAN_KIND && state === 'ready') return 'see perdure inbox'
  if (state === 'suspended') return 'see perdure show'
  if (state === 'held' && error !== null) return error.code
  if (state === 'waiting') return `limit ${job.limits.join(', ')}`
  if (state === 'failed' || state === 'cancelled') return error === null ? '' : shortError(error)
  return ''
}

/** An error in one word. */
export function shortError({ code, data }: NonNullable<JobView['error']>): string {
  const { exitCode, signal } = (data ?? {}) as Record<string, unknown>
  if (typeof exitCode === 'number') return `exit ${exitCode}`
  return typeof signal === 'string' ? signal : code
}

/** The moment since which a job is in its present state, as far as it is known. */
function since(job: JobView): number {
  if (job.finishedAt !== null) return job.finishedAt
  return job.state === 'running' && job.startedAt !== null ? job.startedAt : job.createdAt
}

const JOB_COLUMNS: readonly Column[] = [
  { title: 'ID', align: 'right' },
  { title: 'STATE' },
  { title: 'QUEUE' },
  { title: 'TRIES', align: 'right' },
  { title: 'FOR', align: 'right' },
  { title: 'JOB', flexible: true },
  { title: 'NOTE' },
]

/** A table of jobs. */
export function renderJobs(jobs: readonly JobView[], now: number, width: number): string {
  const rows = jobs.map((job) => [
    String(job.id),
    job.state,
    job.namespace === 'default' ? job.queue : `${job.namespace}/${job.queue}`,
    `${job.attemptsSinceRestart}/${job.maxAttempts}`,
    shortSpan(now - since(job)),
    describeJob(job),
    noteOn(job, now),
  ])
  return renderTable(JOB_COLUMNS, rows, width)
}

/** A table of queues; states that no queue has are left out, and so are queues without jobs unless they are paused. */
export function renderQueues(queues: readonly QueueCounts[], width: number): string {
  const shown = queues.filter(
    ({ paused, states }) => paused || Object.values(states).some((count) => count > 0),
  )
  if (shown.length === 0) return ''
  const states = JOB_STATES.filter((state: JobState) => shown.some((queue) => queue.states[state] > 0))
  const columns: Column[] = [
    { title: 'QUEUE', flexible: true },
    ...states.map((state): Column => ({ title: state.toUpperCase(), align: 'right' })),
  ]
  const rows = shown.map(({ namespace, queue, paused, states: counts }) => [
    `${namespace === 'default' ? '' : `${namespace}/`}${queue}${paused ? ' (paused)' : ''}`,
    ...states.map((state) => (counts[state] === 0 ? '-' : String(counts[state]))),
  ])
  return renderTable(columns, rows, width)
}

const moment = (at: number | null): string => (at === null ? '-' : new Date(at).toISOString())

/** Everything about one job. */
export function renderDetails(job: JobDetails, now: number, width: number): string {
  const { retry, timeouts, command, requires } = job.options
  const facts: [string, string][] = [
    ['job', `${job.id}`],
    ['state', `${job.state}${noteOn(job, now) === '' ? '' : ` (${noteOn(job, now)})`}`],
    ['what', describeJob(job)],
    ['queue', `${job.namespace}/${job.queue}, priority ${job.priority}`],
    ['created', moment(job.createdAt)],
    ['started', moment(job.startedAt)],
    ['ended', moment(job.finishedAt)],
    [
      'tries',
      `${job.attemptsSinceRestart} of ${retry.attempts}${retry.on === 'lost' ? ' (only when a worker is lost)' : ''}`,
    ],
  ]
  if (timeouts.startToCloseMs > 0) facts.push(['timeout', shortSpan(timeouts.startToCloseMs)])
  if (requires !== undefined) facts.push(['needs', describeRequirements(requires)])
  if (command?.cwd !== undefined) facts.push(['folder', command.cwd])
  if (job.worker !== null) facts.push(['worker', job.worker])
  if (job.key !== null) facts.push(['key', job.key])
  if (job.limits.length > 0) facts.push(['limits', job.limits.join(', ')])
  if (job.dependsOn.length > 0) facts.push(['after', job.dependsOn.join(', ')])
  if (job.dependents.length > 0) facts.push(['before', job.dependents.join(', ')])
  for (const [name, value] of Object.entries(job.metadata)) facts.push(['meta', `${name}=${value}`])
  if (job.error !== null) facts.push(['error', job.error.message])
  if (job.result !== undefined && job.kind !== 'shell') facts.push(['result', JSON.stringify(job.result)])
  const attempts = job.history.map((attempt) => [
    String(attempt.number),
    attempt.outcome,
    moment(attempt.startedAt),
    shortSpan((attempt.endedAt ?? now) - attempt.startedAt),
    attempt.worker,
    attempt.error === null ? '' : shortError(attempt.error),
  ])
  const list = renderTable([{ title: '' }, { title: '', flexible: true }], facts, width)
    .split('\n')
    .slice(1)
    .join('\n')
  if (attempts.length === 0) return list
  const columns: Column[] = [
    { title: 'TRY', align: 'right' },
    { title: 'OUTCOME' },
    { title: 'STARTED' },
    { title: 'TOOK', align: 'right' },
    { title: 'WORKER', flexible: true },
    { title: 'NOTE' },
  ]
  return `${list}\n${renderTable(columns, attempts, width)}`
}
