/**
 * Ledger: the journal of one run as its worker keeps it: what was read of it, what is to be written, and the one call
 * that is under way at a time.
 *
 * Owns: order and repetition of these calls, and what a refusal means. Never does: anything about the code of the run.
 */
import {
  BROKEN,
  CANCEL,
  CHILD,
  type EntryKind,
  isChildName,
  type JournalRow,
  LOCK,
  SEND,
  SIGNAL,
  STEP,
  TIMER,
  WITHDRAW,
} from '../core/model/journal.ts'
import { type ErrorCode, errorRecord, PerdureError } from '../errors.ts'
import type { FlowEntry, RunEnd, RunPort } from './port.ts'
import { RowQueue } from './rows.ts'

/** What a ledger needs of its run. */
export interface LedgerOwner {
  /** Rows of positions that the code has been past can be read no more once they are gone. */
  hasBegun(): boolean
  /** Whether this is the attempt that works on the run. */
  isOf(port: RunPort): boolean
  /** Something came in. */
  turn(): void
  /** Something is to be done, in the next turn. */
  touch(): void
  /** The attempt ends. */
  leave(end: RunEnd): void
}

/** Entries of one call: bounds how long the engine is busy with it. */
const MOST_ENTRIES = 1_000
/** Before something that the store could not do is tried again, ms. */
const AGAIN_MS = 200

export class Ledger {
  readonly rows = new RowQueue()
  readonly #owner: LedgerOwner
  #outbox: FlowEntry[] = []
  /** Entries to send one by one, since one of them was refused. */
  #suspects = 0
  #mustRead = false
  #mustPull = false
  /** What may have been written: the journal will tell. */
  #doubtful: readonly FlowEntry[] = []
  /** A call is under way. */
  isBusy = false
  /** False when what is known here may not be what is in the journal. */
  isWhole = true

  constructor(owner: LedgerOwner) {
    this.#owner = owner
  }

  /** Takes an entry that is to be written. */
  write(entry: FlowEntry): void {
    this.#outbox.push(entry)
  }

  /** What was asked for cannot be; the code is told so, now and on every replay. */
  refuse(kind: EntryKind, name: string, position: number, thrown: unknown): void {
    this.#outbox.push(refusal(kind, name, position, thrown))
  }

  /** Rows were written that did not come from here. */
  expectNews(): void {
    this.#mustRead = true
  }

  /** A sleep is over while steps run: the engine is to write down that it is. */
  expectTimers(): void {
    this.#mustPull = true
  }

  /** Reads what has to be read before anything else. Answers whether it began to. */
  catchUp(port: RunPort): boolean {
    if (this.isBusy || !this.#mustRead) return false
    void this.#read(port)
    return true
  }

  /** Writes what there is to write, unless a call is under way. */
  flush(port: RunPort): void {
    if (!this.isBusy && (this.#outbox.length > 0 || this.#mustPull)) this.#record(port)
  }

  async #read(port: RunPort): Promise<void> {
    this.#mustRead = false
    this.isBusy = true
    try {
      for (let isEnd = false; !isEnd; ) {
        const page = await port.read(this.rows.known)
        if (page === undefined) {
          this.#lose(port)
          return
        }
        if (!this.rows.takePage(page, this.#owner.hasBegun())) {
          this.#drop(port)
          return
        }
        this.#clear(page.rows)
        isEnd = page.isEnd
      }
    } catch (error) {
      if (!mayTryAgain(error)) {
        this.#drop(port)
        return
      }
      this.#mustRead = true
      this.#pause(port)
      return
    }
    this.#outbox = [...this.#doubtful, ...this.#outbox]
    this.#doubtful = []
    this.isBusy = false
    if (this.#owner.isOf(port)) this.#owner.turn()
  }

  /** What is in the journal needs not be written again. All entries of a call are in it, or none. */
  #clear(rows: readonly JournalRow[]): void {
    const [first] = this.#doubtful
    // The end of a job that was asked for before the run began anew may be told at any position.
    const isOf = ({ position, kind, name }: JournalRow) =>
      position === first?.position && kind !== CANCEL && !(kind === CHILD && isChildName(name))
    if (rows.some(isOf)) this.#doubtful = []
  }

  #record(port: RunPort): void {
    const all = this.#outbox
    const most = this.#suspects > 0 ? 1 : Math.min(MOST_ENTRIES, knownBefore(all))
    const entries = all.length > most ? all.slice(0, most) : all
    this.#outbox = all.length > most ? all.slice(most) : []
    this.#suspects = Math.max(0, this.#suspects - 1)
    this.#mustPull = false
    this.isBusy = true
    port.record(this.rows.known, this.#withJobs(entries)).then(
      (rows) => this.#recorded(port, rows),
      (error: unknown) => {
        if (this.#owner.isOf(port)) this.#refused(port, entries, error)
      },
    )
  }

  /** Which jobs stand behind what is let go of is known for certain now: all that was written before was answered. */
  #withJobs(entries: readonly FlowEntry[]): readonly FlowEntry[] {
    if (!entries.some(({ type }) => type === 'withdraw')) return entries
    return entries.map((entry) => {
      return entry.type === 'withdraw' ? { ...entry, jobs: this.rows.jobsAt(entry.positions) } : entry
    })
  }

  #recorded(port: RunPort, rows: readonly JournalRow[] | undefined): void {
    if (rows === undefined) {
      this.#lose(port)
      return
    }
    this.isBusy = false
    if (!this.#owner.isOf(port)) return
    // Rows of others may stand before them: then all are read, in order.
    if (!this.rows.takeWritten(rows)) this.#mustRead = true
    this.#owner.turn()
  }

  #refused(port: RunPort, entries: readonly FlowEntry[], error: unknown): void {
    const [first] = entries
    if (mayTryAgain(error)) {
      this.#outbox = [...entries, ...this.#outbox]
      this.#pause(port)
      return
    }
    this.isBusy = false
    if (error instanceof PerdureError && error.code === 'UNKNOWN_OUTCOME') {
      this.#doubtful = entries
      this.#mustRead = true
      this.#owner.touch()
      return
    }
    if (!(error instanceof PerdureError) || ENDS.has(error.code) || first === undefined) {
      this.#drop(port)
      return
    }
    if (entries.length > 1) {
      this.#suspects += entries.length
      this.#outbox = [...entries, ...this.#outbox]
    } else if (first.type === 'settled') {
      this.#owner.leave({ type: 'failed', error })
      return
    } else {
      const { position, name, type } = first
      this.#outbox.unshift(refusal(KIND_OF[type], name, position, error))
    }
    this.#owner.touch()
  }

  /** The store could not do it: once more, after a while. */
  #pause(port: RunPort): void {
    port.after(AGAIN_MS, () => {
      this.isBusy = false
      this.#owner.touch()
    })
  }

  #lose(port: RunPort): void {
    this.isBusy = false
    if (this.#owner.isOf(port)) this.#owner.leave({ type: 'lost' })
  }

  /** What is in memory here may not be what is in the journal any more: the next attempt begins from that. */
  #drop(port: RunPort): void {
    this.isWhole = false
    this.isBusy = false
    if (this.#owner.isOf(port)) this.#owner.leave({ type: 'stopped' })
  }
}

/** After these nothing can be written any more, or it is not known what was. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['UNKNOWN_OUTCOME', 'CLOSED', 'FENCED'] as const),
  // it is the way that is refused, not what was to be written
  ...(['PROTOCOL', 'UNAUTHENTICATED', 'DENIED', 'INTERNAL'] as const),
])

const KIND_OF = {
  timer: TIMER,
  signal: SIGNAL,
  child: CHILD,
  send: SEND,
  retry: STEP,
  lock: LOCK,
  withdraw: WITHDRAW,
} as const

/** How many entries come before one that lets go of a job, or of a place in a line, that is yet to be asked for: only the answer tells which it is. */
function knownBefore(entries: readonly FlowEntry[]): number {
  const asked = new Set<number>()
  for (const [index, entry] of entries.entries()) {
    if (entry.type === 'child' || entry.type === 'lock') asked.add(entry.position)
    else if (entry.type === 'withdraw' && entry.positions.some((position) => asked.has(position)))
      return index
  }
  return entries.length
}

function mayTryAgain(error: unknown): boolean {
  return error instanceof PerdureError && error.retryable && !ENDS.has(error.code)
}

function refusal(kind: EntryKind, name: string, position: number, thrown: unknown): FlowEntry {
  const value = JSON.stringify(errorRecord(thrown))
  return { type: 'settled', kind, position, name, state: BROKEN, value, undo: false }
}
