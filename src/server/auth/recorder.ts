/**
 * What operators do, on its way into the audit log.
 *
 * Owns: which methods are recorded, what of their arguments is (never values of users), and the order: the log can be
 * written before anything is done, and the entry is on disk before the answer leaves.
 */
import { errorRecord } from '../../errors.ts'
import type { MethodName } from '../../protocol/methods.ts'
import type { AuditLog } from './audit-log.ts'
import type { Caller } from './caller.ts'
import { NEEDED } from './rights.ts'

type Values = readonly unknown[]
type Fields = Readonly<Record<string, unknown>>

/** Carries out a call and keeps a record of it. */
export type Recorder = (method: MethodName, values: Values, act: () => unknown) => Promise<unknown>

/** What is kept of the arguments, by method. A call that is refused may hold anything. */
const SUBJECTS: Partial<Readonly<Record<MethodName, (values: Values) => Fields>>> = {
  control: ([job, verb]) => ({ job, verb: (verb as Fields | undefined)?.verb }),
  pauseQueue: ([queue, paused]) => ({ queue, paused }),
  import: ([jobs]) => ({ jobs: (jobs as Values | undefined)?.length }),
  'workflows.update': ([run, name]) => ({ job: run, update: name }),
  'workflows.fork': ([run, options]) => ({ job: run, from: (options as Fields | undefined)?.from }),
  'workflows.signal': ([run, name]) => ({ job: run, signal: name }),
}

/** The methods that are an operator's, or are where an operator calls them. */
export const RECORDED: ReadonlySet<MethodName> = new Set(
  (Object.keys(NEEDED) as MethodName[]).filter((method) =>
    ['signal', 'operate', 'administer'].includes(NEEDED[method]),
  ),
)

/** The longest text that is kept of an argument: names are shorter, and what is no name says enough by its beginning. */
export const LONGEST_TEXT = 200

/** What a call is about, for its entry. */
export function subjectOf(method: MethodName, values: Values): Fields {
  const fields = Object.entries(SUBJECTS[method]?.(values) ?? {})
  return Object.fromEntries(fields.map(([name, value]) => [name, shortened(value)]))
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, LONGEST_TEXT)
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

/** The recorder of one caller. Signals of a program that only makes jobs are data, as its jobs are. */
export function recorderOf(log: AuditLog, { id, name, rights }: Caller): Recorder {
  const isOperator = rights.has('operate')
  return async (method, values, act) => {
    if (!isOperator && NEEDED[method] === 'signal') return act()
    await log.assertWritable()
    const at = Date.now()
    const entry = { at, who: id, name, what: method, on: subjectOf(method, values) }
    let answer: unknown
    try {
      answer = await act()
    } catch (error) {
      await log.append({ ...entry, outcome: errorRecord(error, 'INTERNAL').code })
      throw error
    }
    await log.append({ ...entry, outcome: 'ok' })
    return answer
  }
}
