/**
 * The one table of error codes, and the one class that carries them.
 *
 * Owns: every code that can reach a user, its title, whether trying again can help, and the exit
 * code of the command line. Never does: formatting for a terminal or a wire.
 *
 * A message always says three things: what was expected, what was found, what to do. `docs/errors/`
 * has one page per code; a test holds the table and the pages against each other.
 */

/** What the table says about one code. */
export interface ErrorKind {
  /** One line, in words that an operator understands. */
  readonly title: string
  /** True when the same call can succeed later without being changed. */
  readonly retryable: boolean
  /** Exit code of the command line (sysexits where one fits). */
  readonly exit: number
}

const kind = (title: string, exit: number, retryable = false): ErrorKind => ({ title, retryable, exit })

/** Every code, in groups: the call, the job, the store, the run. */
export const ERROR_KINDS = {
  // the call
  INVALID_OPTION: kind('An option is malformed', 64),
  INVALID_NAME: kind('A name is empty, too long, or has characters that names may not have', 64),
  INVALID_DURATION: kind('A duration could not be read', 64),
  INVALID_URL: kind('A store or node address could not be read', 64),
  INVALID_CURSOR: kind('A page cursor is not one that a list gave out', 64),
  INVALID_INPUT: kind('The input is not what is expected', 65),
  INVALID_OUTPUT: kind('The result does not match the schema of its kind', 65),
  NOT_SERIALIZABLE: kind('A value cannot be written as JSON', 65),
  TOO_LARGE: kind('A value is larger than its limit', 65),
  UNKNOWN_STATE: kind('There is no job state of that name', 64),
  INVALID_CONFIG: kind('The configuration has a mistake', 78),
  // the job
  NOT_FOUND: kind('There is no such job, queue, namespace or file', 66),
  WRONG_STATE: kind('The state of the job does not allow this', 69),
  KEY_CONFLICT: kind('The idempotency key belongs to another call', 69),
  DUPLICATE: kind('A job with this uniqueness already exists', 69),
  CYCLE: kind('The dependencies form a cycle', 65),
  DEPENDENCY_FAILED: kind('A job that this one depends on did not succeed', 1),
  // the attempt
  LEASE_LOST: kind('The lease of this attempt is no longer valid', 75),
  WORKER_LOST: kind('The worker that ran this attempt went away', 1),
  TIMEOUT: kind('A time limit ran out', 124),
  CANCELLED: kind('The job was cancelled', 130),
  HANDLER_FAILED: kind('The handler failed', 1),
  EXIT_CODE: kind('The command ended with a failing exit code or by a signal', 1),
  SPAWN_FAILED: kind('The command could not be started', 126),
  UNKNOWN_KIND: kind('No handler of that kind is known here', 64),
  NON_DETERMINISM: kind('The code of a workflow does not fit what its run has recorded', 70),
  NO_HANDLER: kind('A workflow run has no such handler', 69),
  REFUSED: kind('A workflow run refused an update', 65),
  NO_WORKER: kind('No worker can answer for a workflow run', 75, true),
  STUCK: kind('Nothing can happen any more by itself', 70),
  // the store and the engine
  STORE_BUSY: kind('Another process owns this store', 73, true),
  STORE_FOREIGN: kind('The file is not a Perdure store', 65),
  STORE_CORRUPT: kind('The store is damaged', 65),
  STORE_VERSION: kind('The store was written by a newer version', 65),
  STORE_FAILED: kind('The store could not carry out an operation', 74, true),
  FENCED: kind('The shard has another owner', 75, true),
  UNKNOWN_OUTCOME: kind('It is not known whether the operation took effect', 75, true),
  OVERLOADED: kind('Too much is waiting; the call was refused before it began', 75, true),
  CLOSED: kind('This client, worker or store was closed', 69),
  UNAVAILABLE: kind('The node could not be reached', 75, true),
  UNAUTHENTICATED: kind('No credential that counts was shown', 77),
  PROTOCOL: kind('A message on the wire could not be understood', 76),
  DENIED: kind('The permissions do not allow this', 77),
  SERVICE_FAILED: kind('A part of the process failed too often', 70),
  INTERNAL: kind('A bug in Perdure: an assertion did not hold', 70),
} as const satisfies Record<string, ErrorKind>

/** A code of the table. */
export type ErrorCode = keyof typeof ERROR_KINDS

/** What a caller tells about one error. The three sentences become the message. */
export interface ErrorDetails {
  /** What would have been right. */
  readonly expected: string
  /** What was there instead. Never holds secrets or another namespace's data. */
  readonly found: string
  /** What the reader can do about it. */
  readonly fix: string
  /** Identifiers for programs: job ids, names, positions. */
  readonly data?: Readonly<Record<string, string | number | boolean | null>>
  /** The error that caused this one. */
  readonly cause?: unknown
}

/** The plain-data form of an error, as it travels and as it is stored with an attempt. */
export interface ErrorRecord {
  readonly code: string
  readonly message: string
  readonly stack?: string
  readonly data?: Readonly<Record<string, string | number | boolean | null>>
}

/** The only error class that Perdure throws at its users. */
export class PerdureError extends Error {
  override readonly name = 'PerdureError'
  readonly code: ErrorCode
  readonly data: Readonly<Record<string, string | number | boolean | null>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; data?: ErrorRecord['data'] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }

  /** Whether the same call can succeed later without being changed. */
  get retryable(): boolean {
    return ERROR_KINDS[this.code].retryable
  }

  /** The exit code that a command line program ends with. */
  get exit(): number {
    return ERROR_KINDS[this.code].exit
  }
}

/**
 * Makes an error whose message has the one form that all of Perdure uses.
 *
 * @param code A code of {@link ERROR_KINDS}.
 * @param details The three sentences, without full stops.
 */
export function perdureError(code: ErrorCode, details: ErrorDetails): PerdureError {
  const { expected, found, fix } = details
  const end = /[.?]$/.test(fix) ? '' : '.'
  const message = `${ERROR_KINDS[code].title}: expected ${expected}; found ${found}. ${fix}${end}`
  return new PerdureError(code, message, {
    cause: details.cause,
    ...(details.data === undefined ? {} : { data: details.data }),
  })
}

/** The plain-data form of anything thrown; handler errors keep their own code where they have one. */
export function errorRecord(thrown: unknown, fallback: ErrorCode = 'HANDLER_FAILED'): ErrorRecord {
  if (thrown instanceof PerdureError) {
    return { code: thrown.code, message: thrown.message, data: thrown.data }
  }
  if (thrown instanceof Error) {
    return {
      code: fallback,
      message: thrown.message || thrown.name,
      ...(thrown.stack ? { stack: thrown.stack } : {}),
    }
  }
  return { code: fallback, message: textOf(thrown) }
}

/** Anything as text. Some objects cannot be made into one: those without a prototype, or with a `toString` that is none. */
export function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/** Turns the plain-data form back into an error; an unknown code becomes INTERNAL with its text kept. */
export function fromErrorRecord(record: ErrorRecord): PerdureError {
  const code = Object.hasOwn(ERROR_KINDS, textOf(record.code)) ? (record.code as ErrorCode) : 'INTERNAL'
  return new PerdureError(
    code,
    textOf(record.message),
    record.data === undefined ? {} : { data: record.data },
  )
}
