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

/** What is kept of the arguments, by method. */
const SUBJECTS: Partial<Readonly<Record<MethodName, (values: Values) => Fields>>> = {
  control: ([job, verb]) => ({ job, verb: (verb as Fields).verb }),
  pauseQueue: ([queue, paused]) => ({ queue, paused }),
  import: ([jobs]) => ({ jobs: (jobs as Values).length }),
  'workflows.update': ([run, name]) => ({ job: run, update: name }),
  'workflows.signal': ([run, name]) => ({ job: run, signal: name }),
}

/** The methods that are an operator's, or are where an operator calls them. */
export const RECORDED: ReadonlySet<MethodName> = new Set(
  (Object.keys(NEEDED) as MethodName[]).filter((method) =>
    ['signal', 'operate', 'administer'].includes(NEEDED[method]),
  ),
)

/** The recorder of one caller. Signals of a program that only makes jobs are data, as its jobs are. */
export function recorderOf(log: AuditLog, { id, name, rights }: Caller): Recorder {
  const isOperator = rights.has('operate')
  return async (method, values, act) => {
    if (!isOperator && NEEDED[method] === 'signal') return act()
    await log.assertWritable()
    const at = Date.now()
    const on = SUBJECTS[method]?.(values) ?? {}
    const entry = { at, who: id, name, what: method, on }
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
