/**
 * Reports, written and read by hand: the request with the ends of attempts, and the answer.
 *
 * A report of anything but a success is one message of the generated code among the others.
 */
import { toBinary } from '@bufbuild/protobuf'
import { ReportSchema } from '../../generated/perdure/v1/workers_pb.ts'
import { decodeBody } from '../../json.ts'
import { reportFromWire, reportToWire } from '../parts.ts'
import { plainOf } from './generated.ts'
import { type Reader, Repeated, UNREAD } from './reader.ts'
import { readSession, writeSession } from './session.ts'
import type { Writer } from './writer.ts'

type Plain = Record<string, unknown>

/** ReportRequest. */
const WORKER = 1
const REPORTS = 2
const REQUEST = 3

/** Report. */
const TOKEN = 1
const OUTCOME = 2
const RESULT_JSON = 3

/** ReportResponse. */
const ACCEPTED = 1

/** Writes the request of the arguments of a report. False for one that the generated code has to write, or refuse. */
export function writeReports(writer: Writer, [session, reports, request]: readonly unknown[]): boolean {
  if (typeof session !== 'number' || typeof request !== 'string') return false
  writeSession(writer, session)
  for (const report of reports as readonly Plain[]) {
    const start = writer.open(REPORTS)
    if (!writeReport(writer, report)) {
      writer.at = start
      writer.append(toBinary(ReportSchema, reportToWire(report)))
    }
    writer.close(start)
  }
  return writer.optionalText(REQUEST, request)
}

function writeReport(writer: Writer, { token, outcome, resultText }: Plain): boolean {
  const { type, result, ...others } = outcome as Plain
  if (type !== 'succeeded' || typeof token !== 'string') return false
  for (const _ in others) return false
  if (!writer.text(TOKEN, token)) return false
  writer.text(OUTCOME, type)
  if (typeof resultText === 'string') return writer.optionalText(RESULT_JSON, resultText)
  return result === undefined
}

/** Reads the arguments of a report. */
export function readReports(reader: Reader): readonly unknown[] {
  let session = 0
  let request = ''
  const reports: Plain[] = []
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (WORKER << 3) | 2:
        session = readSession(reader)
        break
      case (REPORTS << 3) | 2:
        reports.push(readReport(reader))
        break
      case (REQUEST << 3) | 2:
        request = reader.text()
        break
      default:
        throw UNREAD
    }
  }
  // without a number it is named by its other fields
  if (session === 0) throw UNREAD
  return [session, reports, request]
}

const outcomes = new Repeated()

function readReport(reader: Reader): Plain {
  const outer = reader.enter()
  const start = reader.at
  let token = ''
  const outcome: Plain = { type: '' }
  while (reader.at < reader.end) {
    switch (reader.uint32()) {
      case (TOKEN << 3) | 2:
        token = reader.text()
        break
      case (OUTCOME << 3) | 2:
        outcome.type = outcomes.read(reader)
        break
      case (RESULT_JSON << 3) | 2:
        outcome.result = decodeBody(reader.raw())
        break
      default: {
        reader.at = reader.end
        reader.end = outer
        const bytes = reader.bytes.subarray(start, reader.at)
        return reportFromWire(plainOf(ReportSchema, bytes)) as Plain
      }
    }
  }
  reader.end = outer
  return { token, outcome }
}

/** Writes the answer of a report. */
export function writeAccepted(writer: Writer, accepted: unknown): boolean {
  const answers = accepted as readonly boolean[]
  if (answers.length === 0) return true
  const start = writer.open(ACCEPTED)
  writer.room(answers.length)
  for (const answer of answers) writer.bytes[writer.at++] = answer ? 1 : 0
  writer.close(start)
  return true
}

/** Reads the answer of a report. */
export function readAccepted(reader: Reader): unknown {
  const accepted: boolean[] = []
  while (reader.at < reader.end) {
    if (reader.uint32() !== ((ACCEPTED << 3) | 2)) throw UNREAD
    for (const byte of reader.raw()) {
      if (byte > 1) throw UNREAD
      accepted.push(byte === 1)
    }
  }
  return accepted
}
