/**
 * Asking a person: a question that stands in an inbox until somebody answers it, asked again where the answer cannot be
 * taken, with reminders, another person after a while, and an end of patience.
 *
 * Owns: the order of these. What is stored is human-task.ts; how people hear of it is given from outside.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption, nonEmptyText } from '../std/options.ts'
import type { Flow } from './flow.ts'
import {
  ASSIGNEE,
  HUMAN_KIND,
  HUMAN_QUEUE,
  type HumanAnswer,
  type HumanTask,
  humanSignal,
  humanToken,
} from './human-task.ts'

/** What somebody is to be told of a question. */
export interface HumanNotice extends Omit<HumanTask, 'secret'> {
  /** Names the question; whoever has it may answer. */
  readonly token: string
  readonly reason: 'asked' | 'reminder' | 'escalated'
}

/** The options of `flow.human`. */
export interface HumanOptions<Answer, Value, About = unknown> {
  /** The question, one line. */
  readonly title: string
  /** Checks the answer; one that does not match is asked for again, with what is wrong. */
  readonly schema?: StandardSchemaV1<unknown, Answer>
  /** A JSON Schema, for whoever draws a form. */
  readonly form?: unknown
  /** Who is asked. Default: anybody. */
  readonly assignee?: string
  /** Gives undefined when nobody has answered by then. Default: never. */
  readonly timeout?: Duration
  /** Makes what the person needs to know, as a step. */
  readonly prepare?: () => About
  /** Makes of the answer what the code gets, as a step; `rejectAnswer` in it has the question asked again. */
  readonly process?: (answer: Answer, by: string | null) => Value
  /** Tells people of the question, as a step: mail, chat, a webhook. */
  readonly notify?: (notice: HumanNotice) => unknown
  /** Tells them again, so often. Needs `notify`. */
  readonly remind?: Duration
  /** Asks somebody else as well, after a while. Whoever answers first has answered. */
  readonly escalate?: { readonly after: Duration; readonly to: string }
}

const KNOWN = [
  ...['title', 'schema', 'form', 'assignee', 'timeout', 'prepare', 'process', 'notify', 'remind', 'escalate'],
]
/** Most characters of a title; names of steps have it in them. */
const MOST_TITLE = 100
const MOST_ASSIGNEE = 200

/** The kind of a question, as whoever enqueues it wants it. */
const QUESTION = Object.freeze({
  kind: HUMAN_KIND,
  queue: HUMAN_QUEUE,
  check: 'enqueue',
  base: Object.freeze({ kind: HUMAN_KIND, queue: HUMAN_QUEUE }),
})

class AnswerRejected extends Error {}

/** What `process` throws to have the question asked again: the person is told why. */
export function rejectAnswer(reason: string): Error {
  return new AnswerRejected(nonEmptyText('the reason', reason, 10_000))
}

/** Options, read. */
interface Asked {
  readonly options: HumanOptions<never, unknown>
  readonly remindMs: number
  readonly escalateMs: number
  readonly dueAt: number | null
  readonly about: unknown
}

/** See {@link Flow.human}. */
export async function human(flow: Flow, options: HumanOptions<never, unknown>): Promise<unknown> {
  const { title, prepare, timeout } = options
  const times = readOptions(options)
  const about = prepare === undefined ? null : ((await flow.step(`prepare ${title}`, prepare)) ?? null)
  const dueAt = timeout === undefined ? null : flow.now() + parseDuration(timeout, 'human timeout')
  const asked: Asked = { options, about, dueAt, ...times }
  let rejected: HumanTask['rejected'] = null
  for (let round = 1; ; round++) {
    const answer = await ask(flow, asked, round, rejected)
    if (answer === undefined) return undefined
    const name = `process ${title}${round === 1 ? '' : ` (${round})`}`
    const verdict = await flow.step(name, () => judge(options, answer))
    if (!('reason' in verdict)) return verdict.value
    rejected = { reason: verdict.reason, answer: answer.value }
  }
}

function readOptions(options: HumanOptions<never, unknown>): Pick<Asked, 'remindMs' | 'escalateMs'> {
  checkKnown('human', options, KNOWN)
  const { title, assignee, remind, notify, escalate } = options
  nonEmptyText('human title', title, MOST_TITLE)
  if (assignee !== undefined) nonEmptyText('human assignee', assignee, MOST_ASSIGNEE)
  if (remind !== undefined && notify === undefined)
    throw invalidOption('human remind', 'given with notify', remind)
  if (escalate !== undefined) nonEmptyText('human escalate.to', escalate.to, MOST_ASSIGNEE)
  return {
    remindMs: remind === undefined ? 0 : Math.max(1, parseDuration(remind, 'human remind')),
    escalateMs: escalate === undefined ? 0 : parseDuration(escalate.after, 'human escalate.after'),
  }
}

/** One question, until it is answered, nobody waits any more, or somebody cancels it. */
function ask(
  flow: Flow,
  asked: Asked,
  round: number,
  rejected: HumanTask['rejected'],
): Promise<HumanAnswer | undefined> {
  const { options, about, dueAt, escalateMs } = asked
  const { title, assignee = null, form = null, escalate } = options
  const secret = flow.uuid()
  const task: HumanTask = { title, assignee, form, about, secret, round, rejected, dueAt }
  const name = humanSignal(secret)
  const left = dueAt === null ? undefined : Math.max(1, dueAt - flow.now())
  const answer = left === undefined ? flow.signal(name) : flow.signal(name, { timeout: left })
  const waits: Promise<unknown>[] = [answer, pose(flow, asked, task, 'asked')]
  if (escalate !== undefined) {
    const other = flow.branch(async (own) => {
      await own.sleep(escalateMs)
      return pose(own, asked, { ...task, assignee: escalate.to }, 'escalated')
    })
    waits.push(other)
  }
  return flow.race(waits) as Promise<HumanAnswer | undefined>
}

/** Puts a question into the inbox, and tells people of it for as long as it stands there. */
function pose(
  flow: Flow,
  { options: { title, notify }, remindMs }: Asked,
  task: HumanTask,
  reason: HumanNotice['reason'],
): Promise<unknown> {
  return flow.branch(async (own) => {
    const metadata = task.assignee === null ? {} : { [ASSIGNEE]: task.assignee }
    const { id, result } = own.spawn(QUESTION, task, { enqueue: { metadata } })
    if (notify === undefined) return result
    const { secret, ...shown } = task
    const tell = async (why: HumanNotice['reason'], name: string): Promise<unknown> => {
      const notice = { ...shown, token: humanToken(await id, secret), reason: why }
      return own.step(name, () => notify(notice))
    }
    const of = `${title}${task.round === 1 ? '' : ` (${task.round})`}`
    const telling = own.branch(async () => {
      await tell(reason, `${reason === 'asked' ? 'notify' : 'escalate'} ${of}`)
      for (let time = 1; remindMs > 0; time++) {
        await own.sleep(remindMs)
        await tell('reminder', `remind ${of}, ${reason}, ${time}`)
      }
      return result
    })
    return own.race([result, telling])
  })
}

/** What the code gets for an answer, or why it is not taken. */
async function judge(
  { schema, process }: HumanOptions<never, unknown>,
  { value, by }: HumanAnswer,
): Promise<{ readonly value: unknown } | { readonly reason: string }> {
  let checked: unknown = value
  if (schema !== undefined) {
    const result = await schema['~standard'].validate(value)
    if (result.issues !== undefined) return { reason: result.issues.map((issue) => issue.message).join('; ') }
    checked = result.value
  }
  try {
    return { value: process === undefined ? checked : await process(checked as never, by) }
  } catch (thrown) {
    if (thrown instanceof AnswerRejected) return { reason: thrown.message }
    throw thrown
  }
}
