/**
 * Run world: a shard with one workflow run that a worker holds, and what a worker, a caller and an operator do to it.
 */
import { Profiles } from '../../../client/embedded/profiles.ts'
import { readSpec } from '../../../client/embedded/specs.ts'
import type { JobSpec } from '../../../client/types.ts'
import { Shard } from '../../../engine/testdata/shard.ts'
import type { JobRow } from '../../model/job.ts'
import { DONE, type JournalRow, STEP } from '../../model/journal.ts'
import type { RouteRow } from '../../model/rows.ts'
import { READY } from '../../model/states.ts'
import type { NewEntry } from '../record.ts'
import type { EncodedOutcome } from '../report.ts'

export const NOW = 1_800_000_000_000
export const REASON = JSON.stringify({ code: 'CANCELLED', message: 'by hand' })
export const SUCCESS = { type: 'succeeded', result: '"done"', large: false } as const
const BROKEN = JSON.stringify({ code: 'HANDLER_FAILED', message: 'broken' })
export const FAILURE = {
  type: 'failed',
  error: BROKEN,
  result: null,
  large: false,
  retry: false,
  retryAfterMs: undefined,
  lost: false,
} as const

const profiles = new Profiles()

/** Entries of the one record, and what stands in it beside them. */
interface RecordOptions {
  readonly attempt?: number
  readonly seen?: number
  readonly now?: number
  readonly nonce?: string
}

export class RunWorld {
  readonly shard: Shard

  constructor(shard: Shard) {
    this.shard = shard
  }

  /** A shard whose job 1 is a run that a worker holds. */
  static async open(spec: JobSpec = { kind: 'flow' }): Promise<RunWorld> {
    const world = new RunWorld(await Shard.open())
    await world.enqueue(spec)
    await world.lease()
    return world
  }

  enqueue(...specs: JobSpec[]) {
    const jobs = specs.map((spec) => readSpec(spec, specs.length, profiles, NOW))
    return this.shard.apply({ type: 'enqueue', jobs, request: null }, NOW)
  }

  /** Leases a job that is ready. */
  async lease(id = 1, now = NOW): Promise<JobRow[]> {
    const { queue } = this.shard.batches.flatMap(({ routes }) => routes)[0] as RouteRow
    const { line, state } = this.row(id)
    if (state !== READY) throw new Error(`job ${id} is in state ${state}`)
    const lines = [{ line, queue, cpus: 0, memory: 0 }]
    const command = { type: 'lease', lines, worker: 'w', local: true, slots: 1, nonce: 'n' } as const
    return (await this.shard.apply(command, now)) as JobRow[]
  }

  /** The same of another run than the first. */
  recordOf(job: number, entries: readonly NewEntry[]) {
    return this.shard.apply({ type: 'record', job, attempt: 1, nonce: 'n', seen: 0, entries }, NOW)
  }

  /** Answers the rows that were written, false for a lost lease, or a refusal. */
  async record(
    entries: readonly NewEntry[],
    { attempt = 1, seen = 0, now = NOW, nonce = 'n' }: RecordOptions = {},
  ) {
    const command = { type: 'record', job: 1, attempt, nonce, seen, entries } as const
    const reply = (await this.shard.apply(command, now)) as { rows: readonly JournalRow[] } | false | Error
    return reply === false || reply instanceof Error ? reply : reply.rows
  }

  report(outcome: EncodedOutcome, { job = 1, attempt = 1, now = NOW } = {}) {
    return this.shard.apply({ type: 'report', job, attempt, nonce: 'n', outcome, random: 0.5 }, now)
  }

  signal(name: string, value: string | null, now = NOW, id: string | null = null) {
    return this.shard.apply({ type: 'signal', job: 1, name, value, id }, now)
  }

  control(verb: 'restart' | 'hold' | 'release' | 'delete', job = 1) {
    return this.shard.apply({ type: 'control', job, verb }, NOW)
  }

  cancel(job = 1) {
    return this.shard.apply({ type: 'control', job, verb: 'cancel', error: REASON }, NOW)
  }

  row(id = 1): JobRow {
    const rows = this.shard.batches.flatMap(({ jobs }) => jobs).filter(({ after }) => after?.id === id)
    return rows.at(-1)?.after as JobRow
  }

  async journal(run = 1): Promise<readonly JournalRow[]> {
    return (await this.shard.store.reads.journal(run, 0)).rows
  }

  check() {
    return this.shard.store.reads.check()
  }
}

// What a run can do.

export const step = (position: number, undo = false): NewEntry => ({
  ...{ type: 'settled', kind: STEP, state: DONE, undo },
  ...{ position, name: `s${position}`, value: '1' },
})
export const timer = (position: number, delayMs: number): NewEntry => {
  return { type: 'timer', position, name: 't', delayMs, dueAt: 0 }
}
export const wait = (position: number, delayMs = 0): NewEntry => {
  return { type: 'signal', position, name: 'go', delayMs }
}
export const send = (position: number, to: number): NewEntry => {
  return { type: 'send', position, name: 'go', to, signal: 'go', value: '"hello"' }
}
/** A job that the run calls, or starts where it does not await it. */
export const child = (
  position: number,
  spec: JobSpec = { kind: 'child' },
  { closes = true, awaits = true } = {},
): NewEntry => {
  return { type: 'child', position, name: 'child', job: readSpec(spec, 1, profiles, NOW), closes, awaits }
}
