/**
 * Check: looks for damage, and for rows that contradict each other. Reads only.
 */
import type Database from 'better-sqlite3'
import { digestOf } from '../blobs.ts'

/** A claim about all rows, and the query that finds what breaks it. The first column names the row. */
const CLAIMS: readonly (readonly [claim: string, sql: string])[] = [
  [
    'the count of every route and state is that of its jobs',
    `SELECT route || '/' || state FROM (
       SELECT route, state, n FROM counts UNION ALL SELECT route, state, -count(*) FROM jobs_now GROUP BY route, state
     ) GROUP BY route, state HAVING sum(n) <> 0`,
  ],
  ['every running job stands in the running line', 'SELECT id FROM jobs_now WHERE (state = 4) <> (line = 2)'],
  [
    'every scheduled job stands in the due line',
    'SELECT id FROM jobs WHERE state <> 5 AND (state = 1) <> (line = 1)',
  ],
  [
    'every ready job stands in the line of its class',
    `SELECT jobs.id FROM jobs JOIN routes ON routes.id = jobs.route
     WHERE state = 3 AND line <> 16 + 2 * routes.class`,
  ],
  [
    'every waiting job stands in the line of the first limit that it does not hold',
    `SELECT id FROM jobs WHERE state = 2
     AND line IS NOT 17 + 2 * (SELECT value FROM json_each(jobs.limits) WHERE key = jobs.taken)`,
  ],
  [
    'only jobs that wait or run, and ended ones with edges to settle, stand in a line',
    'SELECT id FROM jobs WHERE state IN (0, 5, 6, 7, 8, 9) AND line <> 0 AND (state < 7 OR line <> 3) AND (state <> 5 OR line <> 1)',
  ],
  [
    'an ended job with edges to settle stands in the line of those',
    'SELECT id FROM jobs WHERE state >= 7 AND line <> 3 AND id IN (SELECT owner FROM dependents)',
  ],
  [
    'exactly the running jobs have a lease',
    'SELECT id FROM jobs_now WHERE (state = 4) <> (nonce IS NOT NULL)',
  ],
  [
    'an ended job holds no limit, and a holder is a live job',
    `SELECT owner || '/' || member FROM holders LEFT JOIN jobs ON jobs.id = member WHERE jobs.id IS NULL OR state >= 7`,
  ],
  [
    'a job holds as many limits as it says',
    'SELECT id FROM jobs WHERE state IN (2, 3, 4) AND taken <> (SELECT count(*) FROM holders WHERE member = jobs.id)',
  ],
  [
    'a job counts its unsettled dependencies',
    'SELECT id FROM jobs WHERE pending <> (SELECT count(*) FROM dependents WHERE member = jobs.id AND value < 3)',
  ],
  [
    'a lease is that of a job that was free',
    'SELECT job FROM leased LEFT JOIN jobs ON jobs.id = job WHERE coalesce(state, 0) NOT IN (1, 3)',
  ],
  ['a job has one lease', 'SELECT job FROM leased GROUP BY job HAVING count(*) > 1'],
  [
    'the values of a job are JSON',
    `SELECT id FROM jobs WHERE NOT (json_valid(coalesce(input, '0')) AND json_valid(coalesce(result, '0'))
       AND json_valid(coalesce(error, '0')) AND json_valid(coalesce(metadata, '0'))
       AND json_valid(coalesce(limits, '[]')))`,
  ],
  [
    'a run that sleeps waits for something',
    `SELECT id FROM jobs WHERE state = 5 AND NOT EXISTS (SELECT 1 FROM runs WHERE job = jobs.id AND waits IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM dependents WHERE member = jobs.id AND value >= 16)`,
  ],
  [
    'a journal is that of a job, and so is what a run waits for',
    'SELECT job FROM (SELECT DISTINCT run AS job FROM journal UNION SELECT job FROM runs) WHERE job NOT IN (SELECT id FROM jobs)',
  ],
  [
    'a job has the large values that it says, and no others',
    `SELECT id FROM jobs, (SELECT 'input' AS name, 2 AS flag UNION ALL SELECT 'result', 4)
     WHERE ((flags & flag) <> 0) <> EXISTS (SELECT 1 FROM payloads WHERE job = id AND field = name)`,
  ],
  [
    'a large value counts the rows that refer to it, of which there are some',
    `SELECT id FROM (
       SELECT id, uses FROM blobs UNION ALL SELECT blob, -count(*) FROM payloads GROUP BY blob
       UNION ALL SELECT blob, -count(*) FROM journal GROUP BY blob
     ) WHERE id IS NOT NULL GROUP BY id HAVING sum(uses) <> 0 OR max(uses) <= 0`,
  ],
  [
    'a large value is the text of its digest',
    `SELECT coalesce(blobs.id, blob_texts.id) FROM blobs FULL JOIN blob_texts USING (id)
     WHERE digest IS NULL OR text IS NULL OR digest <> digest_of(text)`,
  ],
  ['every job has its route', 'SELECT id FROM jobs WHERE route NOT IN (SELECT id FROM routes)'],
]

/** Most rows to name per claim. */
const MOST = 10

/** The problems found, as sentences. */
export function check(db: Database.Database): string[] {
  const problems: string[] = []
  for (const row of db.pragma('integrity_check') as { integrity_check: string }[]) {
    if (row.integrity_check !== 'ok') problems.push(`the file is damaged: ${row.integrity_check}`)
  }
  if (problems.length > 0) return problems
  db.function('digest_of', { deterministic: true }, (text) => digestOf(text as string))
  for (const [claim, sql] of CLAIMS) {
    const rows = db
      .prepare(`${sql} LIMIT ${MOST + 1}`)
      .pluck()
      .all() as (number | string)[]
    if (rows.length === 0) continue
    const named = rows.slice(0, MOST).join(', ')
    problems.push(`it does not hold that ${claim}: ${named}${rows.length > MOST ? ' and more' : ''}`)
  }
  return problems
}
