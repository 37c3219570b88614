/** A server on this machine that answers as a test says, and remembers what it was sent. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Executor } from '../../executor.ts'

/** What it answers. `hangs`: not at all. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly hangs?: boolean
}

/** What it was sent. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** The server, and the executors that call it, which end with it. */
export class StandIn {
  readonly #executors: Executor[] = []
  readonly sent: Sent[] = []
  /** Of each request; the last one goes on. */
  answers: Answer[] = [{}]
  /** Resolves when a request has come in. */
  arrived = Promise.withResolvers<void>()
  readonly #server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      this.sent.push({ method, path: url, headers, body })
      const { status = 200, headers: own = {}, body: text = '', hangs } = this.answers[0] as Answer
      if (this.answers.length > 1) this.answers.shift()
      this.arrived.resolve()
      if (!hangs) response.writeHead(status, own).end(text)
    })
  })

  /** Its address. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  static async open(): Promise<StandIn> {
    const standIn = new StandIn()
    standIn.#server.listen(0, '127.0.0.1')
    await once(standIn.#server, 'listening')
    return standIn
  }

  /** Closes an executor before itself; answers it. */
  serve(executor: Executor): Executor {
    this.#executors.push(executor)
    return executor
  }

  async close(): Promise<void> {
    for (const executor of this.#executors) await executor.close()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
