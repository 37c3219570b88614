/** Restate: its server from npm, and a service in this process that it calls over HTTP/2. */
import { once } from 'node:events'
import { createServer, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type Context, createEndpointHandler, RestatePromise, service } from '@restatedev/restate-sdk'
import { connect, type Ingress } from '@restatedev/restate-sdk-clients'
import type { Place } from '../system.ts'
import { type Hooks, STEPS, type WorkflowSystem } from '../workflows/system.ts'

/** `awaiting` gets the name by which each wait is resolved. */
function makeService(hooks: Hooks, awaiting: (run: number, awakeable: string) => void) {
  const child = service({
    name: 'child',
    handlers: { run: async (_context: Context, number: number) => hooks.childRan(number) },
  })
  const flows = service({
    name: 'flows',
    handlers: {
      steps: async (context: Context, run: number) => {
        for (let step = 0; step < STEPS; step++) {
          await context.run(`step ${step}`, () => hooks.stepped(run * STEPS + step))
        }
      },
      wait: async (context: Context, run: number) => {
        const { id, promise } = context.awakeable()
        awaiting(run, id)
        await promise
        hooks.resumed(run)
      },
      fanOut: async (context: Context, children: number) => {
        const numbers = Array.from({ length: children }, (_, number) => number)
        await RestatePromise.all(numbers.map((number) => context.serviceClient(child).run(number)))
      },
    },
  })
  return { child, flows }
}

type Flows = ReturnType<typeof makeService>['flows']

class Restate implements WorkflowSystem {
  readonly inFlight = 200
  readonly #addresses: NonNullable<Place['restate']>
  readonly #ingress: Ingress
  readonly #awakeables = new Map<number, string>()
  #flows: Flows | undefined
  #server: Http2Server | undefined

  constructor(addresses: NonNullable<Place['restate']>) {
    this.#addresses = addresses
    this.#ingress = connect({ url: addresses.ingressUrl })
  }

  async open(hooks: Hooks): Promise<void> {
    const { child, flows } = makeService(hooks, (run, awakeable) => {
      this.#awakeables.set(run, awakeable)
      hooks.waits(run)
    })
    this.#flows = flows
    this.#server = createServer(createEndpointHandler({ services: [child, flows] }))
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

  get #name(): Flows {
    if (!this.#flows) throw new Error('not open')
    return this.#flows
  }

  async steps(run: number): Promise<void> {
    await this.#ingress.serviceClient(this.#name).steps(run)
  }

  async wait(run: number): Promise<void> {
    await this.#ingress.serviceSendClient(this.#name).wait(run)
  }

  async signal(run: number): Promise<void> {
    await this.#ingress.resolveAwakeable(this.#awakeables.get(run) as string)
  }

  async fanOut(children: number): Promise<void> {
    await this.#ingress.serviceClient(this.#name).fanOut(children)
  }

  async close(): Promise<void> {
    this.#server?.close()
  }
}

export function makeRestate({ restate }: Place): WorkflowSystem {
  if (!restate) throw new Error('Restate needs its server')
  return new Restate(restate)
}
