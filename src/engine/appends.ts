/**
 * AppendBuffer: rows that handlers only write, until a commit takes them.
 */
import type { JournalRow } from '../core/model/journal.ts'
import type { AttemptRow, LogRow, MetadataRow, PayloadRow, ProgressRow } from '../core/model/rows.ts'
import type { Appends, JournalCut } from '../core/view.ts'

/** What a commit takes. */
export interface Appended {
  attempts: AttemptRow[]
  payloads: PayloadRow[]
  logs: LogRow[]
  progress: ProgressRow[]
  metadata: MetadataRow[]
  journal: JournalRow[]
  journalCuts: JournalCut[]
  purged: number[]
}

const nothing = (): Appended => ({
  attempts: [],
  payloads: [],
  logs: [],
  progress: [],
  metadata: [],
  journal: [],
  journalCuts: [],
  purged: [],
})

export class AppendBuffer implements Appends {
  #rows = nothing()
  #settled = new Array<number>(8).fill(0)
  #touched = false

  attempt(row: AttemptRow): void {
    this.#touched = true
    this.#rows.attempts.push(row)
  }

  payload(row: PayloadRow): void {
    this.#touched = true
    this.#rows.payloads.push(row)
  }

  log(row: LogRow): void {
    this.#touched = true
    this.#rows.logs.push(row)
  }

  progress(row: ProgressRow): void {
    this.#touched = true
    this.#rows.progress.push(row)
  }

  metadata(row: MetadataRow): void {
    this.#touched = true
    this.#rows.metadata.push(row)
  }

  journal(row: JournalRow): void {
    this.#touched = true
    this.#rows.journal.push(row)
  }

  cutJournal(cut: JournalCut): void {
    this.#touched = true
    this.#rows.journalCuts.push(cut)
  }

  purge(job: number): void {
    this.#touched = true
    this.#rows.purged.push(job)
  }

  /** Keeps what a command wrote. Answers whether it wrote anything. */
  settle(): boolean {
    if (!this.#touched) return false
    this.#touched = false
    this.#settled = this.#lists().map((list) => list.length)
    return true
  }

  /** Forgets what a command wrote. */
  discard(): void {
    if (!this.#touched) return
    this.#touched = false
    this.#lists().forEach((list, index) => {
      list.length = this.#settled[index] as number
    })
  }

  take(): Appended {
    const rows = this.#rows
    this.#rows = nothing()
    this.#settled = new Array<number>(8).fill(0)
    return rows
  }

  #lists(): unknown[][] {
    const { attempts, payloads, logs, progress, metadata, journal, journalCuts, purged } = this.#rows
    return [attempts, payloads, logs, progress, metadata, journal, journalCuts, purged]
  }
}
