/**
 * A `perdure node` in a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { MAIN } from './sandbox.ts'

/** A running node. */
export interface NodeProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly port: number
  /** Ends it by a signal; resolves with its exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

/** Starts a node on a store's file; resolves when it listens. */
export async function startNodeProcess(file: string, ...words: string[]): Promise<NodeProcess> {
  const all = ['node', '--port', '0', '--json', '--quiet', '--url', `sqlite:${file}`, ...words]
  const child = spawn(process.execPath, [MAIN, ...all], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const lines = createInterface({ input: child.stdout })
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => text as string),
    exited.then(([code]) => {
      throw new Error(`the node ended with ${code} before it listened`)
    }),
  ])
  const { url } = JSON.parse(line) as { url: string }
  return {
    child,
    url,
    port: Number(new URL(url).port),
    end: async (signal) => {
      child.kill(signal)
      const [code, by] = await exited
      return code ?? (by as NodeJS.Signals)
    },
  }
}
