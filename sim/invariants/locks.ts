/**
 * Locks: one run has each of them at a time, and they are handed on in the order in which runs got in line.
 */
import { IS_TICKET, type JobRow } from '../../src/core/model/job.ts'
import { DONE, type JournalRow, LOCK, OPEN } from '../../src/core/model/journal.ts'
import { SETTLE_LINE } from '../../src/core/model/line.ts'
import { isTerminal } from '../../src/core/model/states.ts'
import { EDGE_ENTRY } from '../../src/core/policy/finish.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import type { Batch } from '../../src/store/store.ts'
import { must } from '../violation.ts'

const isLive = ({ state }: JobRow): boolean => !isTerminal(state)

/** Whether a job can still tell those that wait for it: one that has ended does so a few at a time, and some perhaps later. */
export const isTelling = (job: JobRow): boolean => isLive(job) || job.line === SETTLE_LINE

export class Locks {
  readonly #tables: Tables

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** A commit has landed in which a run gets a lock: all who were in line before it are gone. */
  checkGranted({ run, position, sequence }: JournalRow): void {
    const ticket = this.#ticketAt(run, position, sequence)
    if (ticket === undefined) return
    for (const other of this.#before(ticket)) {
      const isHeld = this.#isGranted(other)
      must(
        isHeld ? 'C1' : 'C8',
        false,
        () =>
          `run ${run} gets the lock ${ticket.input}, which run ${other.parent} ${isHeld ? 'has' : 'wanted first'}`,
      )
    }
  }

  /** Whether somebody who is in line before a run for a lock tells it when its turn has come. */
  isInLine(run: number, id: number, position: number): boolean {
    const ticket = this.#tables.jobs.get(id)
    if (ticket === undefined || isTerminal(ticket.state)) return true
    const { dependents } = this.#tables
    return this.#before(ticket, isTelling).some(
      (other) => dependents.membersOf(other.id).get(run) === EDGE_ENTRY + position,
    )
  }

  /** Whether a run that got in line behind a ticket has left it since, if only with the changes that are about to take effect. */
  hasLeftLine(before: number, run: number, changes: Batch['dependents']): boolean {
    const { dependents, jobs } = this.#tables
    return [...dependents.membersOf(before).keys()].some((own) => {
      const job = jobs.get(own)
      if (job?.parent !== run || (job.flags & IS_TICKET) === 0) return false
      const isLeft = changes.some(({ owner, member, value }) => owner === run && member === own && value < 0)
      return isLeft || !dependents.membersOf(run).has(own)
    })
  }

  /** The older tickets of the same lock that are live, or whatever else is asked for. */
  #before(ticket: JobRow, is = isLive): readonly JobRow[] {
    const namespace = this.#namespaceOf(ticket)
    return [...this.#tables.jobs.values()].filter(
      (job) =>
        (job.flags & IS_TICKET) !== 0 &&
        job.id < ticket.id &&
        job.input === ticket.input &&
        is(job) &&
        this.#namespaceOf(job) === namespace,
    )
  }

  /** Whether the run of a ticket has the lock, as its journal says. */
  #isGranted({ id, parent }: JobRow): boolean {
    const rows = [...(this.#tables.journal.get(parent)?.values() ?? [])]
    const opened = rows.find(
      ({ kind, state, value }) => kind === LOCK && state === OPEN && value === String(id),
    )
    if (opened === undefined) return false
    // before it there may stand how an earlier try of the run had got it
    return rows.some(
      ({ kind, state, position, sequence }) =>
        kind === LOCK && state === DONE && position === opened.position && sequence > opened.sequence,
    )
  }

  /** The ticket behind a position, which a run may have used for others before it began anew. */
  #ticketAt(run: number, position: number, sequence: number): JobRow | undefined {
    let ticket: JobRow | undefined
    for (const row of this.#tables.journal.get(run)?.values() ?? []) {
      const isIt =
        row.kind === LOCK && row.state === OPEN && row.position === position && row.sequence < sequence
      if (isIt) ticket = this.#tables.jobs.get(Number(row.value))
    }
    return ticket
  }

  #namespaceOf({ route }: JobRow): number | undefined {
    return this.#tables.routesById.get(route)?.namespace
  }
}
