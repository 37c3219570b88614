/**
 * One connection to a served socket, from the first byte to the answered hello.
 */
import { connect } from 'node:net'
import { fromErrorRecord, type PerdureError, perdureError } from '../../errors.ts'
import { Link, type MessageLink } from '../../protocol/link.ts'
import {
  assertHello,
  type ClientMessage,
  hello,
  readServerMessage,
  type ServerMessage,
} from '../../protocol/messages.ts'
import { formatDuration } from '../../std/duration.ts'
import type { DialEvents, Door } from './door.ts'

/** Longest wait for the peer's hello, ms. A process that is stopped or blocked answers nothing. */
const GREETING_MS = 5_000

/** The door to the process that serves a socket. */
export function socketDoor(path: string): Door {
  return {
    place: path,
    data: { socket: path },
    beats: { type: 'socket', path },
    dial: (instance, events) => dial(path, instance, events),
  }
}

/**
 * Connects to `path` and exchanges hellos.
 *
 * @throws PerdureError UNAVAILABLE when nobody answers; PROTOCOL when the peer speaks another version.
 */
export function dial(
  path: string,
  instance: string,
  events: DialEvents,
): Promise<MessageLink<ClientMessage>> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let open = false
    let fatal: PerdureError | undefined
    let cause: Error | undefined
    const link = new Link<ServerMessage, ClientMessage>(
      socket,
      readServerMessage,
      {
        onMessage: (message) => {
          if (message[0] === 'fatal') fatal = fromErrorRecord(message[1])
          else if (open) events.onMessage(message)
          else if (message[0] === 'hello') {
            assertHello(message[1])
            open = true
            clearTimeout(timer)
            events.onOpen(message[1].instance)
            resolve(link)
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
      cause = new Error(`no answer within ${formatDuration(GREETING_MS)}`)
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
