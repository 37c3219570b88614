/**
 * Forking a run: another one that begins with what it had done.
 */
import { spellRow } from '../../core/model/journal.ts'
import { atVersion } from '../../core/model/requirements.ts'
import type { Client, ImportedJob } from '../client.ts'
import { type RunReader, readRound } from '../journal-pages.ts'
import type { ProfileOptions } from '../types.ts'
import type { ForkOptions } from '../workflows.ts'
import { pastOf } from './past.ts'

/** What stands in the metadata of a fork: the run that it was made from. */
const FORK_OF = 'forkOf'

/**
 * Makes the run out of the other calls of a client; see `WorkflowClient.fork`.
 *
 * @param createdAt epoch ms.
 */
export async function forkRun(
  client: RunReader & Pick<Client, 'import'>,
  run: number,
  { from, input, version }: ForkOptions,
  createdAt: number,
): Promise<number> {
  const { rows, job } = await readRound(client, run)
  const { kind, queue, namespace, priority, metadata, options: profile } = job
  const spec: ImportedJob = {
    ...{ queue, namespace, priority, metadata: { ...metadata, [FORK_OF]: String(run) } },
    ...(kind === null ? {} : { kind }),
    ...(job.parent === null ? {} : { parent: job.parent }),
    input: input === undefined ? job.input : input,
    options: withVersion(profile, kind ?? '', version),
    createdAt,
    state: 'ready',
    journal: pastOf(rows, from).map(spellRow),
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
