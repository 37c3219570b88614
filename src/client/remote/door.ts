/**
 * Doors: the ways to whoever answers, a local socket or a node on the network. Everything behind them is the same.
 */
import type { PerdureError } from '../../errors.ts'
import type { MessageLink } from '../../protocol/link.ts'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import type { Credential } from './credential.ts'

/** What an open connection tells. */
export interface DialEvents {
  /** Called once the connection is open, with what tells this start of the peer from others. */
  onOpen(peer: string): void
  onMessage(message: ServerMessage): void
  /** Called once, and only after the connection was open. `fatal` is set when the peer said why. */
  onClose(fatal: PerdureError | undefined): void
}

/** Where the thread that renews leases sends its beats; plain data, since it crosses to that thread. */
export type BeatTarget =
  | { readonly type: 'socket'; readonly path: string }
  | {
      readonly type: 'http'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      readonly credential: Credential | undefined
      readonly tls: TlsFiles
    }

/** PEM texts for TLS. */
export interface TlsFiles {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string
  /** Certificate that the client shows, with its key. */
  readonly cert?: string
  readonly key?: string
}

/** One way to a peer. */
export interface Door {
  /** Where it leads, for messages. */
  readonly place: string
  /** The same for programs: the `data` of errors. */
  readonly data: Readonly<Record<string, string>>
  readonly beats: BeatTarget
  /**
   * Connects, and exchanges hellos.
   *
   * @throws PerdureError UNAVAILABLE when nobody answers; PROTOCOL when the peer speaks another version.
   */
  dial(instance: string, events: DialEvents): Promise<MessageLink<ClientMessage>>
}
