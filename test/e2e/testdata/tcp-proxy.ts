/**
 * A TCP proxy that a test can have cut, delay and swallow what passes through it.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What becomes of bytes. `swallow` takes them and passes nothing on, as a network does that lost its way. */
export type Weather = 'calm' | 'swallow'

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
    this.#pipe(near, far)
    this.#pipe(far, near)
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

  #pipe(from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      if (this.weather === 'swallow') return
      if (this.delayMs === 0) to.write(chunk)
      // timers of one length fire in the order in which they were set
      else setTimeout(() => to.destroyed || to.write(chunk), this.delayMs)
    })
  }
}
