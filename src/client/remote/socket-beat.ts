/**
 * Beats over a local socket, on a connection that is made anew whenever it has broken.
 */
import { randomUUID } from 'node:crypto'
import type { MessageLink } from '../../protocol/link.ts'
import type { ClientMessage, ServerMessage, WorkerName } from '../../protocol/messages.ts'
import type { SendBeat } from './beat-thread.ts'
import type { BeatNews } from './beats.ts'
import { dial } from './dial.ts'

/** Makes the sender of beats for a worker. */
export function socketBeat(
  path: string,
  worker: WorkerName,
  onLost: (lost: readonly string[]) => void,
): SendBeat {
  const instance = randomUUID()
  let link: MessageLink<ClientMessage> | undefined
  let connecting = false
  let beats = 0

  function onMessage(message: ServerMessage): void {
    if (message[0] === 'reply') onLost((message[2] as BeatNews).lost)
  }

  /** Connects and sends the beat that found no connection. The lease outlives a few that fail. */
  async function connect(tokens: readonly string[]): Promise<void> {
    if (connecting) return
    connecting = true
    try {
      link = await dial(path, instance, {
        onOpen: () => {},
        onMessage,
        onClose: () => {
          link = undefined
        },
      })
      send(tokens)
    } catch {
      // the next beat tries again
    } finally {
      connecting = false
    }
  }

  function send(tokens: readonly string[]): void {
    if (link === undefined) void connect(tokens)
    else if (tokens.length > 0) link.send(['beat', ++beats, worker, tokens])
  }

  void connect([])
  return send
}
