/**
 * The tables of a SQLite store, and the steps from each version of them to the next.
 *
 * Every step runs in one transaction with the change of `user_version`. Steps are never edited once released.
 */
import { columnName, NUMBER_COLUMNS, TEXT_COLUMNS } from './job-columns.ts'

/** Marks the file as a Perdure store: "PERD". */
export const APPLICATION_ID = 0x50455244

/** Columns that came after version 1, in the steps below. */
const LATER: readonly string[] = ['restartedAt', 'hint']

const numbers = NUMBER_COLUMNS.filter((field) => !LATER.includes(field)).map((field) => {
  const type = field === 'turn' ? 'REAL' : 'INTEGER'
  return `${columnName(field)} ${type} NOT NULL DEFAULT 0`
})
const texts = TEXT_COLUMNS.filter((field) => !LATER.includes(field)).map(
  (field) => `${columnName(field)} TEXT`,
)

/**
 * Version 1. `jobs_by_state` leaves out ready, running and succeeded jobs: those would be most of all writes. Its
 * condition is three comparisons, since `state IN (...)` would be evaluated twice as slowly on every write.
 *
 * A job that was leased and nothing else stands in `leases`, many to a row, while its own row still says that it is
 * ready: see leases.ts. `jobs_now` puts the two together.
 */
const FIRST = `
CREATE TABLE shard (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  next_job INTEGER NOT NULL,
  next_name INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
INSERT INTO shard VALUES (0, 0, 0, 1, 1, unixepoch() * 1000);
CREATE TABLE jobs (id INTEGER PRIMARY KEY, ${[...numbers, ...texts].join(', ')});
CREATE INDEX jobs_by_line ON jobs (line, rank, turn, id) WHERE line > 0;
CREATE INDEX jobs_by_expiry ON jobs (expire_at, id) WHERE expire_at > 0;
CREATE INDEX jobs_by_state ON jobs (state, id) WHERE state <> 3 AND state <> 4 AND state <> 7;
CREATE INDEX jobs_by_parent ON jobs (parent, id) WHERE parent > 0;
CREATE TABLE leases (
  id INTEGER PRIMARY KEY, worker INTEGER NOT NULL, nonce TEXT NOT NULL, local INTEGER NOT NULL,
  started_at INTEGER NOT NULL, jobs TEXT NOT NULL
);
CREATE VIEW leased AS SELECT member.value AS job, leases.* FROM leases, json_each(leases.jobs) AS member;
CREATE VIEW jobs_now AS
  SELECT jobs.id, route,
    iif(leased.id IS NULL, state, 4) AS state, iif(leased.id IS NULL, line, 2) AS line,
    iif(leased.id IS NULL, jobs.nonce, leased.nonce) AS nonce
  FROM jobs LEFT JOIN leased ON leased.job = jobs.id;
CREATE TABLE names (id INTEGER PRIMARY KEY, space TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (space, text));
CREATE TABLE profiles (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE routes (
  id INTEGER PRIMARY KEY, namespace INTEGER NOT NULL, queue INTEGER NOT NULL, kind INTEGER NOT NULL,
  class INTEGER NOT NULL, profile INTEGER NOT NULL, UNIQUE (namespace, queue, kind, profile)
);
CREATE TABLE queues (id INTEGER PRIMARY KEY, paused INTEGER NOT NULL, turn REAL NOT NULL);
CREATE TABLE limits (id INTEGER PRIMARY KEY, max INTEGER NOT NULL);
CREATE TABLE fair (queue INTEGER, key INTEGER, turn REAL NOT NULL, PRIMARY KEY (queue, key)) WITHOUT ROWID;
CREATE TABLE keys (
  namespace INTEGER, key TEXT, job INTEGER NOT NULL, digest TEXT NOT NULL, until INTEGER NOT NULL,
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE INDEX keys_by_job ON keys (job);
CREATE TABLE holders (owner INTEGER, member INTEGER, value INTEGER NOT NULL, PRIMARY KEY (owner, member)) WITHOUT ROWID;
CREATE INDEX holders_by_member ON holders (member);
CREATE TABLE dependents (owner INTEGER, member INTEGER, value INTEGER NOT NULL, PRIMARY KEY (owner, member)) WITHOUT ROWID;
CREATE INDEX dependents_by_member ON dependents (member);
CREATE TABLE attempts (
  job INTEGER, number INTEGER, worker INTEGER NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,
  outcome TEXT NOT NULL, error TEXT, PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE payloads (job INTEGER, field TEXT, text TEXT NOT NULL, PRIMARY KEY (job, field));
CREATE TABLE logs (
  job INTEGER, attempt INTEGER, offset INTEGER, stream TEXT, at INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (job, attempt, offset, stream)
);
CREATE TABLE progress (job INTEGER PRIMARY KEY, fraction REAL NOT NULL, message TEXT, at INTEGER NOT NULL);
CREATE TABLE metadata (
  namespace INTEGER, name TEXT, value TEXT, job INTEGER, PRIMARY KEY (namespace, name, value, job)
) WITHOUT ROWID;
CREATE INDEX metadata_by_job ON metadata (job);
CREATE TABLE counts (route INTEGER, state INTEGER, n INTEGER NOT NULL, PRIMARY KEY (route, state)) WITHOUT ROWID;
`

/** Version 2: shard time outlives its owner. */
const SECOND = 'ALTER TABLE shard ADD COLUMN time INTEGER NOT NULL DEFAULT 0'

/** Version 3: the time for a whole job begins anew at a restart. */
const THIRD = 'ALTER TABLE jobs ADD COLUMN restarted_at INTEGER NOT NULL DEFAULT 0'

/** Version 4: what helps to choose among equals. */
const FOURTH = 'ALTER TABLE jobs ADD COLUMN hint TEXT'

/**
 * Version 5: journals of workflow runs. A journal is read from its end or through, so its rows lie together; how long it
 * is tells its last row.
 */
const FIFTH = `
CREATE TABLE runs (job INTEGER PRIMARY KEY, start INTEGER NOT NULL, waits TEXT, inbox TEXT);
CREATE TABLE journal (
  run INTEGER, sequence INTEGER, position INTEGER NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,
  name TEXT NOT NULL, value TEXT, at INTEGER NOT NULL, PRIMARY KEY (run, sequence)
) WITHOUT ROWID;
`

/** Version 6: where a run began anew, which is part of the keys of its steps. */
const SIXTH = 'ALTER TABLE runs ADD COLUMN origin INTEGER NOT NULL DEFAULT 0'

/**
 * Version 7: large values by their content. Those that were there stay where they are until their rows go. Payloads that
 * their jobs no longer knew of were left until then as well, and are now gone at once.
 */
const SEVENTH = `
CREATE TABLE blobs (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, uses INTEGER NOT NULL);
CREATE TABLE blob_texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
ALTER TABLE journal ADD COLUMN blob INTEGER;
CREATE INDEX journal_blobs ON journal (run, blob) WHERE blob IS NOT NULL;
ALTER TABLE payloads RENAME TO payloads_before;
CREATE TABLE payloads (job INTEGER, field TEXT, text TEXT, blob INTEGER, PRIMARY KEY (job, field));
INSERT INTO payloads SELECT job, field, text, NULL FROM payloads_before
  WHERE job IN (SELECT id FROM jobs WHERE (flags & iif(field = 'input', 2, 4)) <> 0);
DROP TABLE payloads_before;
`

/** The step to version `index + 1`. */
export const MIGRATIONS: readonly string[] = [FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH]

/** The version that this code writes. */
export const SCHEMA_VERSION = MIGRATIONS.length
