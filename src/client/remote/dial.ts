/**
 * One connection to a served socket, from the first byte to the answered hello.
 */
import { connect } from 'node:net'
import { fromErrorRecord, type PerdureError, perdureError } from '../../errors.ts'
import { Link } from '../../protocol/link.ts'
import {
  assertHello,
  type Hello,
  hello,
  readServerMessage,
  type ServerMessage,
} from '../../protocol/messages.ts'

/** Longest wait for the peer's hello, ms. A process that is stopped or blocked answers nothing. */
const GREETING_MS = 5_000

/** What an open connection tells. */
export interface DialEvents {
  onMessage(message: ServerMessage): void
  /** Called once, and only after the connection was open. `fatal` is set when the peer said why. */
  onClose(fatal: PerdureError | undefined): void
}

/** An open connection. */
export interface Dialled {
  readonly link: Link
  readonly peer: Hello
}

/**
 * Connects to `path` and exchanges hellos.
 *
 * @throws PerdureError UNAVAILABLE when nobody answers; PROTOCOL when the peer speaks another version.
 */
export function dial(path: string, instance: string, events: DialEvents): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let open = false
    let fatal: PerdureError | undefined
    let cause: Error | undefined
    const link = new Link(
      socket,
      {
        onFrame: (frame) => {
          const message = readServerMessage(frame.message)
          if (message[0] === 'fatal') fatal = fromErrorRecord(message[1])
          else if (open) events.onMessage(message)
          else if (message[0] === 'hello') {
            assertHello(message[1])
            open = true
            clearTimeout(timer)
            resolve({ link, peer: message[1] })
          }
        },
        onClose: (error) => {
          clearTimeout(timer)
          if (open) events.onClose(fatal ?? error)
          else reject(fatal ?? error ?? unreachable(path, cause))
        },
      },
      false,
    )
    const timer = setTimeout(() => {
      cause = new Error(`no answer within ${GREETING_MS} ms`)
      socket.destroy()
    }, GREETING_MS)
    socket.once('error', (error) => (cause ??= error))
    link.send(['hello', hello(instance)])
  })
}

function unreachable(path: string, cause: Error | undefined): PerdureError {
  return perdureError('UNAVAILABLE', {
    expected: `a process that serves ${path}`,
    found:
      (cause as NodeJS.ErrnoException | undefined)?.code ??
      cause?.message ??
      'a connection that closed at once',
    fix: 'Start the process that owns the store (`perdure worker`), or try again if it is restarting',
    cause,
    data: { socket: path },
  })
}
