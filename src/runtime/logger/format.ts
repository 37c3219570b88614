/**
 * Records as lines: JSON for programs, text for people.
 *
 * Owns: that one record is one line whatever it says, and that nothing in it can move a cursor, change a title or turn
 * the writing direction around where it is read.
 */
import { type LogRecord, NUMBER_ATTRIBUTES, TEXT_ATTRIBUTES } from './record.ts'

/** How lines are written. */
export type LogFormat = 'json' | 'text'

/** C0 and C1 control characters, separators of lines, and what changes the writing direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** A text with its control characters written out: `\u001b`. */
function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** A record as plain data, in the order in which people look for things. */
function plainRecord(record: LogRecord): Readonly<Record<string, unknown>> {
  const { at, level, source, stream, text, data } = record
  const attributes = [...TEXT_ATTRIBUTES, ...NUMBER_ATTRIBUTES].map((name) => [name, record[name]])
  return {
    ...{ time: new Date(at).toISOString(), level, source },
    ...Object.fromEntries(attributes.filter(([, value]) => value !== undefined)),
    ...(stream === undefined ? {} : { stream }),
    message: text,
    ...(data === undefined ? {} : { data }),
  }
}

/** One line without its newline. */
export function formatRecord(record: LogRecord, format: LogFormat): string {
  // JSON.stringify leaves some of them as they are; an escape of JSON means the same
  if (format === 'json') return escapeControls(JSON.stringify(plainRecord(record)))
  return escapeControls(textLine(record))
}

function textLine(record: LogRecord): string {
  const { at, level, text, worker, node, queue, job, attempt, stream, data } = record
  const about = [
    job === undefined ? undefined : `job=${job}${attempt === undefined ? '' : `.${attempt}`}`,
    queue === undefined ? undefined : `queue=${queue}`,
    worker === undefined ? (node === undefined ? undefined : `node=${node}`) : `worker=${worker}`,
    stream === undefined || stream === 'log' ? undefined : stream,
  ]
  const more = Object.entries(data ?? {}).map(([name, value]) => {
    return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  })
  const parts = [...about, ...more].filter((part) => part !== undefined)
  const tail = parts.length === 0 ? '' : ` [${parts.join(' ')}]`
  return `${new Date(at).toISOString()} ${level.padEnd(5)} ${text.trimEnd()}${tail}`
}
