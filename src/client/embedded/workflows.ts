/**
 * Workflow runs of an engine in this process.
 */
import type { NewEntry, RecordReply } from '../../core/commands/record.ts'
import type { JournalPage, JournalRow } from '../../core/model/journal.ts'
import type { Engine } from '../../engine/engine.ts'
import { PerdureError } from '../../errors.ts'
import type { RunEntry, WorkflowClient, WorkflowSession } from '../workflows.ts'
import type { Profiles } from './profiles.ts'
import { readSpec } from './specs.ts'
import { parseToken } from './token.ts'
import { checkInteger, checkName, encodeValue } from './validate.ts'

/** The part of an embedded client that knows workflows. */
export function createWorkflowClient(engine: Engine): WorkflowClient {
  return {
    async signal(run, name, value) {
      return engine.submit({
        type: 'signal',
        job: checkInteger('run', run, 1, Number.MAX_SAFE_INTEGER),
        name: checkName('name', name),
        value: encodeValue('value', value),
      })
    },
    async journal(run, from = 0) {
      checkInteger('run', run, 1, Number.MAX_SAFE_INTEGER)
      return engine.reads.journal(run, checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER))
    },
  }
}

/** The part of a worker's session that knows workflows. */
export class EmbeddedWorkflows implements WorkflowSession {
  readonly #engine: Engine
  readonly #profiles: Profiles
  readonly #listeners = new Set<(token: string) => void>()
  readonly #unlisten: () => void

  constructor(engine: Engine, profiles: Profiles) {
    this.#engine = engine
    this.#profiles = profiles
    // Tokens are unique, so whoever does not hold this one has no use for it.
    this.#unlisten = engine.announcer.onRunNews(({ id, attempt, nonce }) => {
      for (const listener of this.#listeners) listener(`${id}.${attempt}.${nonce}`)
    })
  }

  record(
    token: string,
    seen: number,
    entries: readonly RunEntry[],
  ): Promise<readonly JournalRow[] | undefined> {
    return new Promise((resolve, reject) => {
      const parts = parseToken(token)
      if (parts === undefined) return resolve(undefined)
      const { job, attempt, nonce } = parts
      const made = entries.some(({ type }) => type === 'child') ? this.#withJobs(entries) : entries
      this.#engine.post(
        { type: 'record', job, attempt, nonce, seen, entries: made as readonly NewEntry[] },
        (reply) => {
          if (reply instanceof PerdureError) reject(reply)
          else resolve(reply === false ? undefined : (reply as RecordReply).rows)
        },
      )
    })
  }

  #withJobs(entries: readonly RunEntry[]): readonly NewEntry[] {
    const now = this.#engine.now()
    const children = entries.reduce((sum, { type }) => sum + (type === 'child' ? 1 : 0), 0)
    return entries.map((entry) => {
      if (entry.type !== 'child') return entry
      const { spec, ...rest } = entry
      return { ...rest, job: readSpec(spec, children, this.#profiles, now) }
    })
  }

  /** Only of a run that is leased: a worker of some queues has no business with runs of others. */
  async journal(token: string, from: number): Promise<JournalPage | undefined> {
    const parts = parseToken(token)
    if (parts === undefined || !this.#engine.leases.holds(parts.job, parts.attempt, parts.nonce))
      return undefined
    return this.#engine.reads.journal(parts.job, checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER))
  }

  onNews(listener: (token: string) => void): void {
    this.#listeners.add(listener)
  }

  close(): void {
    this.#unlisten()
  }
}
