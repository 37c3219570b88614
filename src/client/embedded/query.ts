/**
 * Queries: what a list or a watch asks for, checked; and the cursors of lists.
 *
 * A cursor is the order and the id of the last job of a page, with a check sum against typing mistakes.
 */

import { unknownState } from '../../core/model/refusal.ts'
import { JOB_STATES, type StateCode, stateCode } from '../../core/model/states.ts'
import { perdureError } from '../../errors.ts'
import type { StoredQuery } from '../../store/store.ts'
import type { JobQuery, WatchFilter } from '../types.ts'
import {
  checkArray,
  checkInteger,
  checkKeys,
  checkMs,
  checkName,
  checkObject,
  checkOneOf,
  invalid,
  shown,
} from './validate.ts'

const QUERY = new Set([
  'states',
  'queue',
  'kind',
  'namespace',
  'parent',
  'ids',
  'metadata',
  'createdAfter',
  'createdBefore',
  'order',
  'limit',
  'cursor',
])
const FILTER = new Set(['ids', 'namespace', 'queue'])
/** Most ids that one query names. */
const MOST_IDS = 10_000

export function readQuery(query: JobQuery): StoredQuery {
  checkKeys('query', checkObject('query', query), QUERY)
  if (query.states !== undefined) checkArray('states', query.states, () => true)
  if (query.ids !== undefined) checkArray('ids', query.ids, () => true)
  const newest = checkOneOf('order', query.order ?? 'newest', ['newest', 'oldest']) === 'newest'
  if (query.ids !== undefined && query.ids.length > MOST_IDS) {
    throw invalid('ids', `at most ${MOST_IDS} ids`, `${query.ids.length} ids`)
  }
  return {
    states: query.states === undefined || query.states.length === 0 ? null : query.states.map(readState),
    queue: query.queue === undefined ? null : checkName('queue', query.queue),
    kind: query.kind === undefined ? null : checkName('kind', query.kind),
    namespace: query.namespace === undefined ? null : checkName('namespace', query.namespace),
    parent:
      query.parent === undefined ? null : checkInteger('parent', query.parent, 1, Number.MAX_SAFE_INTEGER),
    ids: query.ids?.map((id) => checkInteger('ids', id, 1, Number.MAX_SAFE_INTEGER)) ?? null,
    metadata: checkArray('metadata', query.metadata ?? []).map(readMatch),
    createdAfter: query.createdAfter === undefined ? null : checkMs('createdAfter', query.createdAfter),
    createdBefore: query.createdBefore === undefined ? null : checkMs('createdBefore', query.createdBefore),
    newest,
    limit: query.limit === undefined ? 50 : checkInteger('limit', query.limit, 1, 1_000),
    after: query.cursor === undefined ? null : readCursor(query.cursor, newest),
  }
}

/** Refuses anything but what a watch can be narrowed to; answers it. */
export function readFilter(filter: WatchFilter): WatchFilter {
  checkKeys('filter', checkObject('filter', filter), FILTER)
  const { ids, namespace, queue } = filter
  if (ids !== undefined)
    checkArray('ids', ids, (_, id) => checkInteger('ids', id, 1, Number.MAX_SAFE_INTEGER))
  if (namespace !== undefined) checkName('namespace', namespace)
  if (queue !== undefined) checkName('queue', queue)
  return filter
}

function readState(name: string): StateCode {
  const code = stateCode(name)
  if (code !== undefined) return code
  throw unknownState(name, JOB_STATES)
}

function readMatch({ name, value, prefix }: { name: string; value?: string; prefix?: string }) {
  if (typeof name !== 'string' || name === '') throw invalid('metadata.name', 'a text', name)
  const text = value ?? prefix
  if ((value === undefined) === (prefix === undefined) || typeof text !== 'string') {
    throw invalid(`metadata.${name}`, "either 'value' or 'prefix', a text", text)
  }
  return { name, value: text, isPrefix: value === undefined }
}

/** The cursor of a page that ended with the job `last`. */
export function writeCursor({ newest }: StoredQuery, last: number): string {
  const body = `${newest ? 'n' : 'o'}${last.toString(36)}`
  return `${body}.${sum(body)}`
}

function readCursor(cursor: string, newest: boolean): number {
  const [body = '', check] = typeof cursor === 'string' ? cursor.split('.') : []
  const last = Number.parseInt(body.slice(1), 36)
  if (check === sum(body) && body[0] === (newest ? 'n' : 'o') && Number.isSafeInteger(last)) return last
  throw perdureError('INVALID_CURSOR', {
    expected: "the 'next' of a page that was asked for in the same order",
    found: shown(cursor),
    fix: 'Begin again without a cursor',
  })
}

function sum(text: string): string {
  let hash = 7
  for (const letter of text) hash = (hash * 31 + (letter.codePointAt(0) as number)) % 46_649
  return hash.toString(36)
}
