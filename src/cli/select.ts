/**
 * Which jobs a command is about: ids, or filters.
 */
import type { Command } from 'commander'
import type { Client } from '../client/client.ts'
import type { JobQuery, JobView } from '../client/types.ts'
import type { JobState } from '../core/model/states.ts'
import { wrongUse } from '../std/options.ts'
import { collect } from './context.ts'
import { type NamedId, parseIds, parsePairs, parseStates } from './parse/values.ts'

/** The filter options, as commander gives them. */
export interface FilterOptions {
  readonly state?: readonly string[]
  readonly queue?: string
  readonly kind?: string
  readonly meta?: readonly string[]
}

/** Adds `--state --queue --kind --meta` to a command. */
export function addFilterOptions(command: Command): Command {
  return command
    .option(
      '-s, --state <state>',
      'only jobs in these states (a list, or live or ended); may be given again',
      collect,
    )
    .option('--queue <queue>', 'only jobs of this queue')
    .option('--kind <kind>', 'only jobs of this kind')
    .option(
      '--meta <name=value>',
      'only jobs with this pair of metadata; value* means a prefix; may be given again',
      collect,
    )
}

/** The query that filter options describe; undefined when there is none. */
export function filterQuery(options: FilterOptions): JobQuery | undefined {
  const { state, queue, kind, meta } = options
  if (state === undefined && queue === undefined && kind === undefined && meta === undefined) return undefined
  const metadata = Object.entries(parsePairs('--meta', meta ?? [])).map(([name, value]) =>
    value.endsWith('*') ? { name, prefix: value.slice(0, -1) } : { name, value },
  )
  return {
    ...(state === undefined ? {} : { states: parseStates(state) }),
    ...(queue === undefined ? {} : { queue }),
    ...(kind === undefined ? {} : { kind }),
    ...(metadata.length === 0 ? {} : { metadata }),
  }
}

/** All pages of a query, one after another. */
export async function* listAll(
  client: Client,
  query: JobQuery,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<JobView> {
  let left = limit
  let cursor: string | undefined
  while (left > 0) {
    const page = await client.list({
      ...query,
      limit: Math.min(1_000, left),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const job of page.jobs) {
      yield job
      left -= 1
      if (left <= 0) return
    }
    cursor = page.next
    if (cursor === undefined) return
  }
}

/** What a command is to act on, as it was written. */
export type Selection = readonly NamedId[] | JobQuery

/**
 * Reads which jobs a command is to act on: those that were named, or all that match the filters.
 *
 * @param states the states that matter when no `--state` was given.
 * @throws INVALID_OPTION when neither ids nor filters were given, or both.
 */
export function readSelection(
  words: readonly string[],
  options: FilterOptions,
  states: readonly JobState[],
): Selection {
  const query = filterQuery(options)
  if (words.length > 0 && query !== undefined) {
    throw wrongUse('the selection', 'either ids or filters', 'both', 'Leave one of them out')
  }
  if (words.length > 0) return parseIds(words)
  if (query !== undefined) return { states, ...query, order: 'oldest' }
  throw wrongUse(
    'the selection',
    'ids, or filters such as --queue or --state',
    'neither',
    'Name at least one of them',
  )
}

/** The ids of a selection. Collected before anything is changed: a change would move jobs between pages of the list. */
export async function selectIds(client: Client, selection: Selection): Promise<readonly NamedId[]> {
  if (isNamed(selection)) return selection
  const ids: NamedId[] = []
  for await (const { id } of listAll(client, selection)) ids.push({ id, isExact: false })
  return ids
}

function isNamed(selection: Selection): selection is readonly NamedId[] {
  return Array.isArray(selection)
}
