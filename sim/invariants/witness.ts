/**
 * Witness: the order of commits as the proof of a history. Every commit that lands is made a second time, from
 * the same commands, on rows that are all in memory; changes and answers must be the same.
 *
 * So commands are pure (D5), what is stored follows from commands 1..k alone (D3), and the answers that callers
 * got are those of one machine that took their calls one after another, in the order of commits.
 */
import { apply, type Command, type Reply } from '../../src/core/apply.ts'
import type { JobRow } from '../../src/core/model/job.ts'
import { Absent } from '../../src/core/view.ts'
import { WorkingSet } from '../../src/engine/workingset.ts'
import { PerdureError } from '../../src/errors.ts'
import type { Tables } from '../../src/store/memory/tables.ts'
import { type Batch, type Loaded, type LoadRequest, NO_LOAD, type Opening } from '../../src/store/store.ts'
import { must } from '../violation.ts'
import { isSameRow } from './rows.ts'

/** A command as an engine applied it. */
interface Applied {
  readonly command: Command
  readonly reply: Reply | PerdureError
  readonly now: number
}

/** The commands of one commit. */
export class Group {
  readonly commands: Applied[] = []
  isLanded = false
}

const EMPTY: Opening = {
  epoch: 0,
  sequence: 0,
  nextJobId: 1,
  nextNameId: 1,
  time: 0,
  names: [],
  queues: [],
  running: [],
}
const NOTHING: Loaded = {
  jobs: [],
  names: [],
  profiles: [],
  routes: [],
  queues: [],
  fair: [],
  keys: [],
  limits: [],
  holders: [],
  dependents: [],
  runs: [],
  windows: [],
}

export class Witness {
  /** Everything that ever landed, in memory. */
  readonly #machine = new WorkingSet(EMPTY, () => {})
  /** How many commands of each type have landed. */
  readonly landed = new Map<Command['type'], number>()
  readonly #groups = new WeakMap<Batch, Group>()
  readonly #tables: Tables

  constructor(tables: Tables) {
    this.#tables = tables
    const { dependents } = this.#machine
    const { add } = dependents
    // an edge of a range that is not in memory would go to the store alone
    dependents.add = (owner, member, value) => {
      this.#loadRange(owner)
      add.call(dependents, owner, member, value)
    }
  }

  #loadRange(owner: number): void {
    const { dependents } = this.#machine
    // what is there already stays as it is
    dependents.endLoad(owner, [...this.#tables.dependents.membersOf(owner)])
  }

  issued(batch: Batch, group: Group): void {
    this.#groups.set(batch, group)
  }

  /** A commit takes effect. */
  onLanding(batch: Batch): void {
    const group = this.#groups.get(batch)
    if (group === undefined) return
    group.isLanded = true
    for (const applied of group.commands) this.#repeat(applied)
    const repeated = this.#machine.take(batch.epoch, batch.sequence, batch.time)
    compare(this.#effective(batch), this.#effective(repeated))
  }

  /** Edges of deleted jobs are gone with them; who had them in memory takes them out once more. */
  #effective(batch: Batch): Batch {
    const { dependents } = this.#tables
    const isThere = ({ owner, member, value }: Batch['dependents'][number]): boolean =>
      value !== -1 || dependents.membersOf(owner).has(member)
    // how often something has settled is counted from the last time that the row was read
    const runs = batch.runs.map((row) => ({ ...row, news: 0 }))
    return { ...batch, runs, dependents: batch.dependents.filter(isThere) }
  }

  #repeat({ command, reply, now }: Applied): void {
    const machine = this.#machine
    this.landed.set(command.type, (this.landed.get(command.type) ?? 0) + 1)
    for (;;) {
      let repeated: Reply | PerdureError
      try {
        repeated = apply(machine, command, now)
      } catch (thrown) {
        machine.discard()
        if (!(thrown instanceof Absent)) throw thrown
        this.#beginMissing(thrown)
        continue
      }
      if (repeated instanceof PerdureError) machine.discard()
      else machine.settle()
      const [told, found] = [gist(reply), gist(repeated)]
      must(
        'D5',
        told === found,
        () => `${command.type} answered ${told}; applied once more it answers ${found}`,
      )
      return
    }
  }

  /** What is not in memory here is nowhere, edges of jobs apart. */
  #beginMissing({ table, keys }: Absent): void {
    const machine = this.#machine
    if (table === 'line') for (const line of keys) machine.beginLine(line as number)
    else if (table === 'dependents') for (const owner of keys) this.#loadRange(owner as number)
    else machine.endLoads({ ...NO_LOAD, [table]: keys } as LoadRequest, NOTHING)
  }
}

/** What a reply says. */
function gist(reply: Reply | PerdureError): string {
  if (reply instanceof PerdureError) return reply.code
  if (Array.isArray(reply)) return (reply as JobRow[]).map(({ id, attempt }) => `${id}.${attempt}`).join(' ')
  return JSON.stringify(reply)
}

const LISTS = [
  'names',
  'profiles',
  'routes',
  'queues',
  'limits',
  'keys',
  'fair',
  'fairGone',
  'holders',
  'dependents',
  'counts',
  'attempts',
  'payloads',
  'logs',
  'progress',
  'metadata',
  'purged',
  'runs',
  'journal',
  'journalCuts',
] as const

function compare(landed: Batch, repeated: Batch): void {
  const where = `commit ${landed.sequence}`
  must(
    'D3',
    landed.nextJobId === repeated.nextJobId && landed.nextNameId === repeated.nextNameId,
    () => `${where} gives other numbers than its commands do`,
  )
  const rows = new Map(repeated.jobs.map(({ before, after }) => [(after ?? before)?.id, after]))
  for (const { before, after } of landed.jobs) {
    const id = (after ?? before)?.id
    must(
      'D5',
      rows.has(id) && isSameRow(rows.get(id), after),
      () => `${where} has another job ${id} than its commands make`,
    )
    rows.delete(id)
  }
  must('D3', rows.size === 0, () => `${where} leaves out the jobs ${[...rows.keys()].join(' ')}`)
  for (const list of LISTS) {
    const [one, other] = [landed[list], repeated[list]]
    if (one.length === 0 && other.length === 0) continue
    const [found, expected] = [sorted(one), sorted(other)]
    must('D3', found === expected, () => `${where} has the ${list} ${found}; its commands make ${expected}`)
  }
}

function sorted(rows: readonly (object | number)[]): string {
  return rows.length === 1
    ? JSON.stringify(rows[0])
    : rows
        .map((row) => JSON.stringify(row))
        .sort()
        .join(' ')
}
