/**
 * A TCP proxy that a test can have cut, delay and swallow what passes through it.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What becomes of bytes. `swallow` takes them and passes nothing on, as a network does that lost its way; `swallow-requests`
 * and `swallow-answers` do so in one direction only; `trickle` passes answers at a byte a second, as to a client that
 * hardly reads.
 */
export type Weather = 'calm' | 'swallow' | 'swallow-requests' | 'swallow-answers' | 'trickle'

/** Stands between clients and one port of this machine. */
export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #target: number
  /** Bytes are held back for so long, ms. */
  delayMs = 0
  weather: Weather = 'calm'

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
  }

  /** Listens on a free port of loopback. */
  static async open(target: number): Promise<TcpProxy> {
    const server = createServer()
    const proxy = new TcpProxy(server, target)
    server.on('connection', (near) => proxy.#pass(near))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that pass through at the moment. */
  get connections(): number {
    return this.#pairs.size
  }

  /** Leads new connections elsewhere. */
  lead(target: number): void {
    this.#target = target
  }

  /** Ends all connections without a word. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cut()
    await closed
  }

  #pass(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1')
    const pair = [near, far] as const
    this.#pairs.add(pair)
    this.#pipe(near, far, 'swallow-requests')
    this.#pipe(far, near, 'swallow-answers')
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        near.destroy()
        far.destroy()
      })
    }
  }

  #pipe(from: Socket, to: Socket, swallowed: Weather): void {
    from.on('data', (chunk: Buffer) => {
      if (this.weather === 'swallow' || this.weather === swallowed) return
      if (this.weather === 'trickle' && swallowed === 'swallow-answers') return trickle(chunk, from, to)
      if (this.delayMs === 0) to.write(chunk)
      // timers of one length fire in the order in which they were set
      else setTimeout(() => to.destroyed || to.write(chunk), this.delayMs)
    })
  }
}

/** Passes a chunk at a byte a second, and reads no further meanwhile. */
function trickle(chunk: Buffer, from: Socket, to: Socket): void {
  from.pause()
  let at = 0
  const drip = setInterval(() => {
    to.write(chunk.subarray(at, at + 1))
    at += 1
    if (at < chunk.length) return
    clearInterval(drip)
    from.resume()
  }, 1_000)
  to.on('close', () => clearInterval(drip))
}
