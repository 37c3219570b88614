/**
 * Calls to servers of others: one request, one answer of bounded size, and no way into networks that are nobody's business.
 *
 * Owns: connections, and the check of the address that a connection is really made to. Redirects are not followed.
 * Never does: deciding what a status means, or trying again.
 */
import { lookup } from 'node:dns'
import { type IncomingHttpHeaders, type IncomingMessage, Agent as PlainAgent, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { type PerdureError, perdureError } from '../errors.ts'
import { isInNetwork, type Network, parseNetwork } from '../std/network.ts'

/** One request. */
export interface OutboundRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Gives the call up. */
  readonly signal: AbortSignal
  /** Most bytes of the answer's body. */
  readonly most: number
}

/** The answer. */
export interface OutboundAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Where calls may go. */
export interface OutboundOptions {
  /**
   * `public`: only to addresses of the public internet, and over TLS, whatever a name resolves to at the moment of the call; for addresses
   * that came from others. `any`: for addresses that stand in the code.
   */
  readonly to: 'public' | 'any'
  /** Networks that may be called besides, without TLS as well: `10.1.0.0/16`. */
  readonly allow?: readonly Network[]
}

/** Networks that are not of the public internet, and ways of writing addresses of such. */
const PRIVATE: readonly Network[] = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16'],
  ...['3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
].map((text) => parseNetwork(text) as Network)

/** Connections of one user of them. */
export class Outbound {
  readonly #options: OutboundOptions
  readonly #plain: PlainAgent
  readonly #secure: SecureAgent

  constructor(options: OutboundOptions) {
    this.#options = options
    const settings = { keepAlive: true, lookup: this.#lookup }
    this.#plain = new PlainAgent(settings)
    this.#secure = new SecureAgent(settings)
  }

  /**
   * Makes one call.
   *
   * @throws DENIED for an address that may not be called; TOO_LARGE for an answer beyond the bound; UNAVAILABLE where
   *   there is none; and the signal's reason where that was aborted.
   */
  async send(call: OutboundRequest): Promise<OutboundAnswer> {
    const { url, signal } = call
    signal.throwIfAborted()
    this.#check(url)
    try {
      return await this.#exchange(call)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw error instanceof Error && 'perdure' in error ? error.perdure : unavailable(url, error)
    }
  }

  /** Ends all connections. */
  close(): void {
    this.#plain.destroy()
    this.#secure.destroy()
  }

  /** What can be told before anything is looked up. */
  #check({ protocol, hostname }: URL): void {
    const isSecure = protocol === 'https:'
    if (!isSecure && protocol !== 'http:') throw denied(hostname, `a URL of ${protocol}`)
    const address = hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(address) !== 0 && !this.#mayCall(address)) throw denied(hostname, 'a private address')
    if (isSecure || this.#options.to === 'any') return
    if (isIP(address) === 0 || !this.#isAllowed(address)) throw denied(hostname, 'a URL without TLS')
  }

  #mayCall(address: string): boolean {
    if (this.#options.to === 'any' || this.#isAllowed(address)) return true
    return !PRIVATE.some((network) => isInNetwork(network, address))
  }

  #isAllowed(address: string): boolean {
    return this.#options.allow?.some((network) => isInNetwork(network, address)) ?? false
  }

  /** What the name is at the moment of the connection, which is the only one that counts. */
  readonly #lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '')
      const usable = found.filter(({ address }) => this.#mayCall(address))
      const [first] = usable
      if (first === undefined) return callback(carrying(denied(hostname, 'a name of private addresses')), '')
      if (options.all === true) return callback(null, usable)
      callback(null, first.address, first.family)
    })
  }

  #exchange({ url, method, headers, body, signal, most }: OutboundRequest): Promise<OutboundAnswer> {
    const isSecure = url.protocol === 'https:'
    const agent = isSecure ? this.#secure : this.#plain
    return new Promise((resolve, reject) => {
      const settings = { method, headers, signal, agent }
      const call = (isSecure ? secureRequest : request)(url, settings, (answer) => {
        readBounded(answer, most, url).then(
          (read) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: read }),
          reject,
        )
      })
      call.on('error', reject)
      call.end(body)
    })
  }
}

async function readBounded(answer: IncomingMessage, most: number, { hostname }: URL): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > most) {
      answer.destroy()
      throw carrying(
        perdureError('TOO_LARGE', {
          expected: `an answer of ${hostname} of at most ${most} bytes`,
          found: 'more',
          fix: 'Let it answer with where the value is, or allow more',
        }),
      )
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** An error that goes through other people's code, which may wrap what it does not know. */
function carrying(perdure: PerdureError): Error {
  return Object.assign(new Error(perdure.message), { perdure })
}

function denied(host: string, found: string): PerdureError {
  return perdureError('DENIED', {
    expected: `${host} to be on the public internet, and called over TLS`,
    found,
    fix: 'Name its network among those that are allowed, if it is to be called',
  })
}

function unavailable(url: URL, cause: unknown): PerdureError {
  const code = (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : 'an error')
  return perdureError('UNAVAILABLE', {
    expected: `an answer of ${url.host}`,
    found: code,
    fix: 'Look whether it runs and can be reached; the call may be repeated',
    cause,
  })
}
