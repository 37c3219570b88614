/**
 * Forking a run: another one that begins with what it had done.
 */
import type { Client, ImportedJob } from '../client/client.ts'
import type { ProfileOptions } from '../client/types.ts'
import { atVersion } from '../core/model/requirements.ts'
import { pastOf } from '../workflow/fork.ts'
import { readJournal } from './history.ts'

/** The options of a fork. */
export interface ForkOptions {
  /** The position of the first thing that is done anew, as `perdure show` numbers them. Default: the first that failed. */
  readonly from?: number
  /** Another input. Default: that of the run. */
  readonly input?: unknown
  /** The version of the workflow that takes it up. Default: any, whatever that of the run was. */
  readonly version?: string
}

/** What stands in the metadata of a fork: the run that it was made from. */
const FORK_OF = 'forkOf'

/**
 * Makes a run that begins with what another one had done before a position, and goes on by itself. The other one is left as it is. Queue,
 * priority, options and metadata are those of the run; its key and its limits are its own.
 *
 * @returns the id of the new run.
 * @throws NOT_FOUND; DENIED where one may not import jobs, which takes an administrator.
 */
export async function forkRun(client: Client, run: number, options: ForkOptions = {}): Promise<number> {
  const { from, input, version } = options
  const [journal, job] = await Promise.all([readJournal(client, run), client.get(run)])
  const { kind, queue, namespace, priority, metadata, options: profile } = job
  const spec: ImportedJob = {
    ...{ queue, namespace, priority, metadata: { ...metadata, [FORK_OF]: String(run) } },
    ...(kind === null ? {} : { kind }),
    ...(job.parent === null ? {} : { parent: job.parent }),
    input: 'input' in options ? input : job.input,
    options: withVersion(profile, kind ?? '', version),
    createdAt: Date.now(),
    state: 'ready',
    journal: pastOf(journal, from),
  }
  const [made] = await client.import([spec])
  return made?.id ?? 0
}

/** The same options, for workers of another version. */
function withVersion(
  { requires, ...rest }: ProfileOptions,
  kind: string,
  version: string | undefined,
): ProfileOptions {
  const wanted = atVersion(requires, kind, version)
  return wanted === undefined ? rest : { ...rest, requires: wanted }
}
