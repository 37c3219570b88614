/**
 * A node in a process of its own, with a proxy before it that tests have break, swallow and trickle.
 *
 * Owns: these and every connection that was made through it; all are gone when it is closed.
 */
import { readFileSync } from 'node:fs'
import { type App, type OpenOptions, open } from '../../../src/index.ts'
import { type NodeProcess, startNodeProcess } from './node-process.ts'
import { Sandbox } from './sandbox.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** The node, the way around the proxy (`node.url`), and the way through it (`proxy.url`). */
export class NodeBehindProxy {
  readonly sandbox: Sandbox
  readonly node: NodeProcess
  readonly proxy: TcpProxy
  readonly #cleanups: (() => unknown)[] = []

  private constructor(sandbox: Sandbox, node: NodeProcess, proxy: TcpProxy) {
    this.sandbox = sandbox
    this.node = node
    this.proxy = proxy
  }

  /** Starts them on a store of their own. */
  static async start(): Promise<NodeBehindProxy> {
    const sandbox = new Sandbox('node')
    const node = await startNodeProcess(sandbox.path('store.db'))
    return new NodeBehindProxy(sandbox, node, await TcpProxy.open(node.port))
  }

  /** An app at one of the two addresses, until the end of the test. */
  async connect(url: string, options?: OpenOptions): Promise<App> {
    const app = await open(url, options)
    this.cleanUp(() => app.close())
    return app
  }

  /** Has something done at the end of the test, before what was begun earlier is ended. */
  cleanUp(act: () => unknown): void {
    this.#cleanups.push(act)
  }

  /** Resident memory of the node, MB. */
  residentMb(): number {
    const status = readFileSync(`/proc/${this.node.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup()
    await this.proxy.close()
    this.node.child.kill('SIGKILL')
    await this.sandbox.close()
  }
}
