/**
 * Parts of messages that several calls, or both ends of an exchange, make and read.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type ErrorRecord, errorRecord } from '../../errors.ts'
import { type Error as ErrorMessage, ErrorSchema } from '../generated/perdure/v1/errors_pb.ts'
import { type Hello as HelloMessage, HelloSchema, type Notice } from '../generated/perdure/v1/node_pb.ts'
import {
  type LookRequest,
  LookRequestSchema,
  type NewsNotice,
  NewsNoticeSchema,
  type QuestionNotice,
  QuestionNoticeSchema,
  type Report,
  ReportSchema,
  type StopRequest,
  StopRequestSchema,
} from '../generated/perdure/v1/workers_pb.ts'
import { malformed } from '../json.ts'
import { type Hello, hello } from '../messages.ts'
import { JsonText, toMessage, toPlain } from './convert.ts'
import { questionFromWire, questionToWire } from './journal.ts'

/** Grows whenever a frame changes its meaning in a way that the definition's own rules do not allow for. */
const EXCHANGE_VERSION = 1

/** The wire's form of a hello. */
export function helloToWire({ instance }: Hello): MessageInitShape<typeof HelloSchema> {
  return create(HelloSchema, { version: EXCHANGE_VERSION, instance })
}

/** Reads a hello. Fails with PROTOCOL unless the peer speaks this version. */
export function readHello({ version, instance }: HelloMessage): Hello {
  if (version === EXCHANGE_VERSION) return hello(instance)
  throw malformed(`version ${EXCHANGE_VERSION} of the exchange`, `version ${version}`)
}

/** The wire's form of an error. */
export function errorToWire(error: ErrorRecord): ErrorMessage {
  return toMessage(ErrorSchema, error)
}

/** Reads an error. */
export function readError(error: ErrorMessage): ErrorRecord {
  return toPlain(ErrorSchema, error) as unknown as ErrorRecord
}

/** A worker's notice, in the field of its kind. */
type NoticeFields =
  | { stop: StopRequest }
  | { look: LookRequest }
  | { news: NewsNotice }
  | { question: QuestionNotice }

/** The wire's form of a worker's notice. */
export function noticeToWire(notice: unknown): NoticeFields {
  const { type, ...said } = notice as Record<string, unknown>
  if (type === 'question') return { question: toMessage(QuestionNoticeSchema, questionToWire(said)) }
  if (type === 'news') return { news: toMessage(NewsNoticeSchema, said) }
  return type === 'look'
    ? { look: toMessage(LookRequestSchema, said) }
    : { stop: toMessage(StopRequestSchema, said) }
}

/** Reads a worker's notice; undefined for one of a kind that a newer node knows. */
export function readNotice({
  stop,
  look,
  news,
  question,
}: Pick<Notice, 'stop' | 'look' | 'news' | 'question'>): unknown {
  if (stop !== undefined) return { type: 'stop', ...toPlain(StopRequestSchema, stop) }
  if (news !== undefined) return { type: 'news', ...toPlain(NewsNoticeSchema, news) }
  if (question !== undefined) return { type: 'question', ...readQuestion(question) }
  return look === undefined ? undefined : { type: 'look', ...toPlain(LookRequestSchema, look) }
}

function readQuestion(question: QuestionNotice): Plain {
  return questionFromWire(toPlain(QuestionNoticeSchema, question, { keepsText: true }))
}

type Plain = Readonly<Record<string, unknown>>

/** A lease as a message takes it: workers get the input as the text that it was stored as. */
export function leaseToWire(lease: Plain): Plain {
  return lease.input === undefined ? lease : { ...lease, input: new JsonText(lease.input as string) }
}

/** Undoes {@link leaseToWire}. */
export function leaseFromWire(lease: Plain): Plain {
  return { ...lease, input: (lease.input as JsonText | undefined)?.text }
}

/** The wire's form of a report. An outcome that cannot be carried becomes a failure that says why: the job must end somehow. */
export function reportToWire(report: Plain): Report {
  try {
    const { token, outcome, resultText } = report
    const { type, ...end } = outcome as Plain
    const result = typeof resultText === 'string' ? new JsonText(resultText) : end.result
    return toMessage(ReportSchema, { ...end, token, outcome: type, result }, 'outcome')
  } catch (thrown) {
    const error = errorRecord(thrown)
    return toMessage(ReportSchema, { token: report.token, outcome: 'failed', error, retry: false })
  }
}

/** Reads a report. */
export function reportFromWire({ token, outcome, ...end }: Plain): Plain {
  return { token, outcome: { type: outcome, ...end } }
}
