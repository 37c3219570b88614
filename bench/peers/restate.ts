/** Restate: its server from npm, and a service in this process that it calls over HTTP/2. */
import { once } from 'node:events'
import { createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Place } from '../system.ts'
import { type Hooks, STEPS, type WorkflowSystem } from '../workflows/system.ts'
import { loadPeer } from './load.ts'

interface Context {
  run(name: string, step: () => void): Promise<void>
  awakeable(): { id: string; promise: Promise<unknown> }
  serviceClient(service: unknown): Clients
}
type Handler = (context: Context, number: number) => Promise<void>
type Clients = Readonly<Record<'run' | 'steps' | 'wait' | 'fanOut', (number: number) => Promise<void>>>
interface Ingress {
  serviceClient(service: unknown): Clients
  serviceSendClient(service: unknown): Clients
  resolveAwakeable(id: string): Promise<void>
}
interface Sdk {
  RestatePromise: { all(promises: readonly Promise<void>[]): Promise<unknown> }
  service(definition: { name: string; handlers: Readonly<Record<string, Handler>> }): unknown
  createEndpointHandler(options: {
    services: readonly unknown[]
  }): (request: Http2ServerRequest, response: Http2ServerResponse) => void
}
interface ClientSdk {
  connect(options: { url: string }): Ingress
}

/** `awaiting` gets the name by which each wait is resolved. */
function makeServices(
  { service, RestatePromise }: Sdk,
  hooks: Hooks,
  awaiting: (run: number, awakeable: string) => void,
) {
  const child = service({
    name: 'child',
    handlers: { run: async (_context, number) => hooks.childRan(number) },
  })
  const flows = service({
    name: 'flows',
    handlers: {
      steps: async (context, run) => {
        for (let step = 0; step < STEPS; step++) {
          await context.run(`step ${step}`, () => hooks.stepped(run * STEPS + step))
        }
      },
      wait: async (context, run) => {
        const { id, promise } = context.awakeable()
        awaiting(run, id)
        await promise
        hooks.resumed(run)
      },
      fanOut: async (context, children) => {
        const numbers = Array.from({ length: children }, (_, number) => number)
        await RestatePromise.all(numbers.map((number) => context.serviceClient(child).run(number)))
      },
    },
  })
  return { child, flows }
}

class Restate implements WorkflowSystem {
  readonly inFlight = 200
  readonly #addresses: NonNullable<Place['restate']>
  readonly #awakeables = new Map<number, string>()
  #ingress: Ingress | undefined
  #flows: unknown
  #server: Http2Server | undefined

  constructor(addresses: NonNullable<Place['restate']>) {
    this.#addresses = addresses
  }

  async open(hooks: Hooks): Promise<void> {
    const sdk = await loadPeer<Sdk>('@restatedev/restate-sdk')
    const { connect } = await loadPeer<ClientSdk>('@restatedev/restate-sdk-clients')
    this.#ingress = connect({ url: this.#addresses.ingressUrl })
    const { child, flows } = makeServices(sdk, hooks, (run, awakeable) => {
      this.#awakeables.set(run, awakeable)
      hooks.waits(run)
    })
    this.#flows = flows
    this.#server = createServer(sdk.createEndpointHandler({ services: [child, flows] }))
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const { port } = this.#server.address() as AddressInfo
    await this.#register(`http://127.0.0.1:${port}`)
  }

  /** Tells the server where the services are; it may not be ready when its port is. */
  async #register(uri: string): Promise<void> {
    const body = JSON.stringify({ uri, force: true })
    const headers = { 'content-type': 'application/json' }
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`${this.#addresses.adminUrl}/deployments`, { method: 'POST', headers, body })
      if (answer.ok) return
      if (tries === 100) throw new Error(`Restate takes no services: ${await answer.text()}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  get #opened(): Ingress {
    if (!this.#ingress) throw new Error('not open')
    return this.#ingress
  }

  async steps(run: number): Promise<void> {
    await this.#opened.serviceClient(this.#flows).steps(run)
  }

  async wait(run: number): Promise<void> {
    await this.#opened.serviceSendClient(this.#flows).wait(run)
  }

  async signal(run: number): Promise<void> {
    await this.#opened.resolveAwakeable(this.#awakeables.get(run) as string)
  }

  async fanOut(children: number): Promise<void> {
    await this.#opened.serviceClient(this.#flows).fanOut(children)
  }

  async close(): Promise<void> {
    this.#server?.close()
  }
}

export function makeRestate({ restate }: Place): WorkflowSystem {
  if (!restate) throw new Error('Restate needs its server')
  return new Restate(restate)
}
