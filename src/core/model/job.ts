/**
 * The job row: the one record that says what a job is and where it stands.
 *
 * Owns: the fields, their "nothing here" values (0 and null) and the flag bits. Rows are never changed in
 * place: a change is a new row. What many jobs share (names, option sets) is interned in their route.
 */
import type { StateCode } from './states.ts'

/** Other jobs depend on this one. */
export const HAS_DEPENDENTS = 1
/** The input is large and lives in the payload table. */
export const LARGE_INPUT = 2
/** The result is large and lives in the payload table. */
export const LARGE_RESULT = 4
/** An idempotency or uniqueness key points here. */
export const HAS_KEY = 8
/** The lease is held by a worker inside the owner's own process, and ends with it. */
export const LOCAL_LEASE = 16
/** Rows of earlier attempts exist. */
export const HAS_HISTORY = 32
/** Output exists. */
export const HAS_LOGS = 64
/** A progress row exists. */
export const HAS_PROGRESS = 128
/** Depends, or depended, on other jobs. */
export const HAS_DEPENDENCIES = 256
/** A workflow run that waits, or waited, for something, or for which a signal was kept. */
export const HAS_RUN = 512
/** A workflow run that has done something which a cancel or a failure has to undo. */
export const HAS_UNDO = 1024
/** The place of a workflow run in the line for a lock; see policy/lock. */
export const IS_TICKET = 2048
/** The journal of a workflow run says that it was cancelled. */
export const HAS_CANCEL = 4096

/** One job. Times are epoch ms, 0 where there is none. */
export interface JobRow {
  // fixed at the enqueue
  readonly id: number
  /** Interned namespace, queue, kind and option set. */
  readonly route: number
  readonly createdAt: number
  /** Interned fairness key; 0 means the namespace. */
  readonly fairKey: number
  readonly parent: number
  /** JSON array of limit ids in canonical (ascending) order. */
  readonly limits: string | null
  /** JSON object of metadata pairs. */
  readonly metadata: string | null
  /** JSON text. */
  readonly input: string | null
  /** What helps to choose among equals; see policy/hints. */
  readonly hint: string | null
  // changing
  readonly state: StateCode
  /** Which waiting line the job stands in; 0 for none. See line.ts. */
  readonly line: number
  /** First and second part of the place in the line; the id is the third. */
  readonly rank: number
  readonly turn: number
  readonly priority: number
  /** Not before this moment; 0 means since it was created. */
  readonly dueAt: number
  /** When a time limit ends a job that has not started. */
  readonly expireAt: number
  /** Attempts so far, over all restarts. */
  readonly attempt: number
  /** Attempts that count against the maximum, since the last restart. */
  readonly tries: number
  /** How many of `limits`, from the front, are held. */
  readonly taken: number
  /** Dependencies that have not ended. */
  readonly pending: number
  readonly flags: number
  /** Interned name of the worker of the latest attempt. */
  readonly worker: number
  readonly startedAt: number
  readonly finishedAt: number
  /** When a cancel was asked of a running job. */
  readonly cancelAt: number
  readonly restarts: number
  readonly logSize: number
  /** When it was last restarted: the time for the whole job began anew. */
  readonly restartedAt: number
  /** Random part of the lease token. */
  readonly nonce: string | null
  readonly result: string | null
  /** JSON text of an ErrorRecord. */
  readonly error: string | null
}

/** A row that is being made: nobody else has seen it yet, so it may still be filled in. */
export type JobDraft = { -readonly [K in keyof JobRow]: JobRow[K] }

/** A row of the given identity in which everything else is "nothing". */
export function blankJob(id: number, route: number, createdAt: number): JobDraft {
  return {
    id,
    route,
    createdAt,
    fairKey: 0,
    parent: 0,
    limits: null,
    metadata: null,
    input: null,
    hint: null,
    state: 0,
    line: 0,
    rank: 0,
    turn: 0,
    priority: 0,
    dueAt: 0,
    expireAt: 0,
    attempt: 0,
    tries: 0,
    taken: 0,
    pending: 0,
    flags: 0,
    worker: 0,
    startedAt: 0,
    finishedAt: 0,
    cancelAt: 0,
    restarts: 0,
    logSize: 0,
    restartedAt: 0,
    nonce: null,
    result: null,
    error: null,
  }
}

/** The moment from which the job could run. */
export function dueAtOf(job: JobRow): number {
  return job.dueAt === 0 ? job.createdAt : job.dueAt
}

/** When the time for the whole job began: its enqueue, or its last restart. */
export function beganAtOf(job: JobRow): number {
  return job.restartedAt === 0 ? job.createdAt : job.restartedAt
}

/** The ids of the limits that the job uses, in canonical order. */
export function limitsOf(job: JobRow): readonly number[] {
  return job.limits === null ? NONE : (JSON.parse(job.limits) as number[])
}

const NONE: readonly number[] = []
