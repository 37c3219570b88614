/** Blobs in a file: what the check finds of them, and files of before there were any. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished } from 'vitest'
import { blankJob, type JobRow, LARGE_INPUT, LARGE_RESULT } from '../../core/model/job.ts'
import { DONE, type JournalRow, STEP } from '../../core/model/journal.ts'
import { LEAST_BLOB } from '../blobs.ts'
import type { Batch, Store } from '../store.ts'
import { NO_CHANGES } from '../testdata/no-changes.ts'
import { check } from './check.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'
import { createSqliteStore } from './sqlite-store.ts'

const LARGE = JSON.stringify('x'.repeat(LEAST_BLOB))

function path(): string {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-blobs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'app.db')
}

const step = (sequence: number): JournalRow => {
  const place = { run: 1, sequence, position: sequence, copyOf: 0 }
  return { ...place, kind: STEP, state: DONE, name: 's', value: LARGE, at: 1 }
}

/** Opens the store, commits, and answers it still open. */
async function commitTo(file: string, changes: Partial<Batch>): Promise<Store> {
  const store = createSqliteStore({ path: file })
  const { epoch, sequence } = await store.open()
  await store.commit({ ...NO_CHANGES, epoch, sequence: sequence + 1, ...changes })
  return store
}

it.each([
  ['UPDATE blobs SET uses = 3', 'a large value counts the rows that refer to it, of which there are some'],
  ['UPDATE journal SET blob = 9', 'a large value counts the rows that refer to it, of which there are some'],
  ["UPDATE blob_texts SET text = '1'", 'a large value is the text of its digest'],
  ['DELETE FROM blob_texts', 'a large value is the text of its digest'],
  ["INSERT INTO blob_texts VALUES (9, '1')", 'a large value is the text of its digest'],
  [
    "INSERT INTO blobs VALUES (9, 'other', 0)",
    'a large value counts the rows that refer to it, of which there are some',
  ],
])('the check finds what %s breaks', async (damage, claim) => {
  const file = path()
  const row = { ...blankJob(1, 1, 1), state: 6 as const }
  const routes = [{ id: 1, namespace: 1, queue: 1, kind: 1, class: 1, profile: 1 }]
  const counts = [{ route: 1, state: 6 as const, delta: 1 }]
  const jobs = [{ before: undefined, after: row }]
  const store = await commitTo(file, { jobs, routes, counts, journal: [step(0), step(1)] })
  await store.close()
  const db = new Database(file)
  onTestFinished(() => void db.close())
  expect(check(db)).toEqual([])
  db.exec(damage)
  expect(check(db)).toContainEqual(expect.stringContaining(claim))
})

/** A file as the version before wrote it. */
function oldFile(jobs: readonly Pick<JobRow, 'id' | 'flags'>[]): string {
  const file = path()
  const db = new Database(file)
  for (const migration of MIGRATIONS.slice(0, 6)) db.exec(migration)
  db.pragma('user_version = 6')
  db.pragma(`application_id = ${APPLICATION_ID}`)
  db.exec('INSERT INTO routes VALUES (1, 1, 1, 1, 1, 1); INSERT INTO profiles VALUES (1, 2)')
  db.prepare('INSERT INTO counts VALUES (1, 6, ?)').run(jobs.length)
  for (const { id, flags } of jobs) {
    db.prepare('INSERT INTO jobs (id, route, state, flags) VALUES (?, 1, 6, ?)').run(id, flags)
    for (const field of ['input', 'result'])
      db.prepare('INSERT INTO payloads VALUES (?, ?, ?)').run(id, field, LARGE)
  }
  db.prepare('INSERT INTO journal VALUES (1, 0, 0, 1, 1, ?, ?, 1)').run('s', LARGE)
  db.close()
  return file
}

it('a file of the version before keeps its values, without those that no job knew of', async () => {
  const file = oldFile([
    { id: 1, flags: LARGE_INPUT | LARGE_RESULT },
    { id: 2, flags: LARGE_RESULT },
  ])
  const store = await commitTo(file, {
    journal: [step(1), { ...step(2), value: null, copyOf: 2 }],
  })
  onTestFinished(() => store.close())
  expect((await store.reads.journal(1, 0)).rows.map(({ value }) => value)).toEqual([LARGE, LARGE, LARGE])
  const payloads = [1, 2].flatMap((id) => [
    store.reads.payload(id, 'input'),
    store.reads.payload(id, 'result'),
  ])
  expect(await Promise.all(payloads)).toEqual([LARGE, LARGE, null, LARGE])
  expect(await store.reads.info()).toMatchObject({ schema: MIGRATIONS.length, blobs: 1 })
  expect(await store.reads.check()).toEqual([])
})
