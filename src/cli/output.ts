/**
 * What the command line writes: data to standard output, everything else to standard error.
 *
 * Owns: JSON or text, quiet, and a reader that goes away (`perdure status | head`).
 */
import { ERROR_KINDS, errorRecord, PerdureError } from '../errors.ts'
import { plainLine, plainText } from './render/text.ts'

/** 128 + SIGPIPE, as any program that writes into a closed pipe. */
const BROKEN_PIPE_EXIT = 141

/** The streams that a command writes to. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** Writes what commands have to say. */
export class Output {
  readonly #streams: Streams
  /** One JSON value per line instead of text. */
  readonly json: boolean
  /** No notes and no progress. Errors are still written. */
  readonly quiet: boolean

  constructor(streams: Streams, options: { readonly json: boolean; readonly quiet: boolean }) {
    this.#streams = streams
    this.json = options.json
    this.quiet = options.quiet
  }

  get stdout(): NodeJS.WriteStream {
    return this.#streams.stdout
  }

  get stderr(): NodeJS.WriteStream {
    return this.#streams.stderr
  }

  /** Whether a person looks at standard output. */
  get isTerminal(): boolean {
    return this.stdout.isTTY === true
  }

  /** Columns for a table: the terminal's, or no bound where a program reads. */
  get width(): number {
    return this.isTerminal ? (this.stdout.columns ?? 80) : Number.POSITIVE_INFINITY
  }

  /** Data: one value, as a JSON line or as text. */
  data(value: unknown, text: string): void {
    this.stdout.write(this.json ? `${JSON.stringify(value)}\n` : text)
  }

  /** Output of a job, safe on a terminal, untouched elsewhere. Resolves when there is room for more. */
  async raw(text: string, stream: 'stdout' | 'stderr' = 'stdout', isRaw = false): Promise<void> {
    const target = this.#streams[stream]
    const shown = target.isTTY && !isRaw ? plainText(text) : text
    if (target.write(shown) || target.destroyed) return
    await new Promise<void>((resolve) => {
      target.once('drain', resolve)
      target.once('close', resolve)
    })
  }

  /** A sentence for a person; not with --quiet. */
  note(text: string): void {
    if (!this.quiet) this.stderr.write(`${plainLine(text)}\n`)
  }

  /** An error, in one line or as JSON; answers its exit code. */
  error(thrown: unknown): number {
    const record = errorRecord(thrown, 'INTERNAL')
    const message = record.message.replace(/\n[\s\S]*/, '')
    if (this.json) {
      this.stderr.write(
        `${JSON.stringify({ error: { code: record.code, message, data: record.data ?? {} } })}\n`,
      )
    } else {
      this.stderr.write(`perdure: ${plainLine(message)} [${record.code}]\n`)
    }
    if (process.env.PERDURE_DEBUG && thrown instanceof Error) this.stderr.write(`${thrown.stack}\n`)
    return thrown instanceof PerdureError ? thrown.exit : ERROR_KINDS.INTERNAL.exit
  }
}

/** Ends the process quietly when the reader of a stream has gone. */
export function endOnBrokenPipe(streams: Streams): void {
  for (const stream of [streams.stdout, streams.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') process.exit(BROKEN_PIPE_EXIT)
      throw error
    })
  }
}
