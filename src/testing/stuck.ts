/**
 * What holds up jobs that nothing will ever move on, by name.
 */
import { readJournal } from '../app/history.ts'
import type { Client } from '../client/client.ts'
import type { JobView } from '../client/types.ts'
import { isTerminal, JOB_STATES, type StateCode } from '../core/model/states.ts'
import { type PerdureError, perdureError } from '../errors.ts'
import { timelineOf } from '../workflow/timeline.ts'

/** Jobs that are told of at most. */
const MOST_JOBS = 10
/** What has not ended. */
const LIVE = JOB_STATES.filter((_, code) => !isTerminal(code as StateCode))

/**
 * The error for whoever waits for a job that will never end by itself: STUCK.
 *
 * @param calls names of calls of user code that do not end.
 */
export async function stuckError(
  client: Client,
  job: number,
  calls: readonly string[],
): Promise<PerdureError> {
  const { jobs } = await client.list({ states: LIVE, order: 'oldest', limit: MOST_JOBS })
  const reasons: string[] = []
  for (const live of jobs) reasons.push(`${titleOf(live)} ${await reasonOf(client, live)}`)
  for (const call of calls) reasons.push(`${call} does not end`)
  return perdureError('STUCK', {
    expected: `job ${job} to end`,
    found: reasons.join('; '),
    fix: 'Send the signal, release the job, or give the test a stub for the kind',
    data: { job },
  })
}

const titleOf = ({ id, kind }: JobView): string => `job ${id} '${kind ?? 'a group'}'`

async function reasonOf(client: Client, job: JobView): Promise<string> {
  const { state, error, pendingDependencies } = job
  switch (state) {
    case 'ready':
      return 'is ready, and no worker has its kind or queue'
    case 'blocked':
      return `waits for ${pendingDependencies} jobs`
    case 'waiting':
      return 'waits for a slot of a limit'
    case 'held':
      return error === null ? 'is held' : `is held: ${error.message}`
    case 'running':
      return 'runs, and goes on neither by itself nor by the clock'
    case 'suspended': {
      const waits = await waitsOf(client, job)
      return waits.length === 0 ? 'waits' : `waits for ${waits.join(', ')}`
    }
    default:
      return `is ${state}`
  }
}

/** What a run waits for, in the words of its code. */
async function waitsOf(client: Client, { id, createdAt }: JobView): Promise<string[]> {
  return timelineOf(await readJournal(client, id), createdAt)
    .filter((one) => one.state === 'open')
    .map(({ kind, name, child }) => (child === null ? `${kind} '${name}'` : `${kind} ${child} '${name}'`))
}
