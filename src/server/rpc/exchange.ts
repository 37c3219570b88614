/**
 * The Exchange call: a connection like that of a local socket, carried by a stream.
 */
import { create } from '@bufbuild/protobuf'
import {
  type ExchangeRequest,
  type ExchangeResponse,
  ExchangeResponseSchema,
  type ServerMessage as Wire,
  type ClientMessage as WireClientMessage,
} from '../../protocol/generated/perdure/v1/node_pb.ts'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import { ExchangeLink } from '../../protocol/rpc/exchange.ts'
import { ServerEnd } from '../../protocol/rpc/server-end.ts'
import type { Caller } from '../auth/caller.ts'
import { Connection } from '../connection.ts'
import type { Hub } from '../hub.ts'

type Link = ExchangeLink<ClientMessage, ServerMessage, WireClientMessage, Wire>

/** Serves one exchange until either side ends it. */
export async function* exchange(
  hub: Hub,
  caller: Caller,
  requests: AsyncIterable<ExchangeRequest>,
  signal: AbortSignal,
): AsyncGenerator<ExchangeResponse> {
  const link = open(hub, caller)
  const close = () => link.close()
  signal.addEventListener('abort', close, { once: true })
  // a stream that breaks and one that ends are the same here: the client has gone
  link.receive(requests).then(close, close)
  try {
    for await (const messages of link.frames()) yield create(ExchangeResponseSchema, { messages })
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

function open(hub: Hub, caller: Caller): Link {
  let link!: Link
  const end = new ServerEnd((id, error) => link.send(['refuse', id, error]))
  hub.admit((shared) => {
    return new Connection(
      (events) => {
        link = new ExchangeLink(end, events, true)
        return link
      },
      caller,
      shared,
    )
  })
  return link
}
