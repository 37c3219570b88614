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
  readonly proxy: TcpProxy
  #node: NodeProcess
  readonly #cleanups: (() => unknown)[] = []

  private constructor(sandbox: Sandbox, node: NodeProcess, proxy: TcpProxy) {
    this.sandbox = sandbox
    this.#node = node
    this.proxy = proxy
  }

  /** Starts them on a store of their own. */
  static async start(): Promise<NodeBehindProxy> {
    const sandbox = new Sandbox('node')
    const node = await startNodeProcess(storeOf(sandbox))
    return new NodeBehindProxy(sandbox, node, await TcpProxy.open(node.port))
  }

  get node(): NodeProcess {
    return this.#node
  }

  /** The file of the store. */
  get file(): string {
    return storeOf(this.sandbox)
  }

  /** Ends the node, by force unless another signal is given, and starts it again on the same store. Answers how it ended. */
  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals> {
    const ended = await this.#node.end(signal)
    this.#node = await startNodeProcess(this.file)
    this.proxy.lead(this.#node.port)
    return ended
  }

  /** An app at one of the two addresses, through the proxy by default, until the end of the test. */
  async connect(url = this.proxy.url, options?: OpenOptions): Promise<App> {
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

const storeOf = (sandbox: Sandbox): string => sandbox.path('store.db')
