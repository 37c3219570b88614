/**
 * The door to a node on the network: an exchange over HTTP/2.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import { isLoopback } from '../../std/loopback.ts'
import type { Client } from '../client.ts'
import type { ChannelOptions } from './channel.ts'
import { type Credential, headersOf } from './credential.ts'
import { dialExchange } from './dial-exchange.ts'
import type { Door, TlsFiles } from './door.ts'
import { connectDoor } from './remote.ts'

/** How to reach a node. */
export interface NodeAddress {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string
  readonly tls?: TlsFiles
  /** Shown with every request. */
  readonly credential?: Credential
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Connects to a node; breaks of the connection are mended as those of {@link connectSocket}.
 *
 * @throws PerdureError UNAVAILABLE when nobody answers; PROTOCOL when the other end is no node of this version;
 *   UNAUTHENTICATED when it does not know the credential; DENIED for a token that would travel in plain text.
 */
export async function connectNode(address: NodeAddress, options?: ChannelOptions): Promise<Client> {
  return connectDoor(nodeDoor(address), options)
}

/** The door to the node at an address. @throws DENIED for a token that would travel in plain text. */
export function nodeDoor({ url, tls = {}, headers = {}, credential }: NodeAddress): Door {
  const { protocol, hostname } = new URL(url)
  if (credential !== undefined && protocol === 'http:' && !isLoopback(hostname)) throw openLetter(url)
  return {
    place: url,
    data: { url },
    beats: { type: 'http', url, tls, headers, credential },
    dial: async (instance, events) =>
      dialExchange({ url, tls, headers: { ...headers, ...headersOf(credential) } }, instance, events),
  }
}

function openLetter(url: string): PerdureError {
  return perdureError('DENIED', {
    expected: 'TLS on the way to a node that is shown a token',
    found: `plain text to ${url}`,
    fix: 'Use https: whoever is on the way could read the token',
    data: { url },
  })
}
