/**
 * A life: a real process from its start to its end, and the lines that it says meanwhile.
 *
 * Owns: the process. Never lives longer than its limit; never decides what its end means.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Stuck } from './findings.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NODE = join(ROOT, 'node_modules/.bin/node')
/** A life is over in a few seconds; one that is not hangs. */
const LIMIT_MS = 60_000

/** How to start a process. */
export interface LifeOptions {
  readonly program: 'owner' | 'worker'
  readonly args: readonly string[]
  /** What happens to its syncs, in the words of `strace -e inject`: `signal=SIGKILL:when=3`. */
  readonly syncs?: string
  readonly onLine?: (line: string) => void
}

/** How a process ended. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What it said on standard error. */
  readonly complaints: string
}

export class Life {
  readonly ended: Promise<End>
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #timer: NodeJS.Timeout
  #count = 0
  #isOverdue = false

  constructor({ program, args, syncs, onLine }: LifeOptions) {
    const file = join(ROOT, 'crash/programs', `${program}.ts`)
    const [command = '', ...rest] = [...(syncs === undefined ? [] : traced(syncs)), NODE, file, ...args]
    this.#child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    const { stdout, stderr } = this.#child
    if (stdout === null || stderr === null) throw new Error('a process of ours has pipes')
    this.#lines = createInterface({ input: stdout })
    this.#lines.on('line', (line) => {
      this.#count++
      onLine?.(line)
    })
    const complaints: Buffer[] = []
    stderr.on('data', (data: Buffer) => complaints.push(data))
    this.#timer = setTimeout(() => {
      this.#isOverdue = true
      this.kill('SIGKILL')
    }, LIMIT_MS)
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      clearTimeout(this.#timer)
      if (this.#isOverdue) throw new Stuck(`the ${program}: still alive after ${LIMIT_MS / 1_000} s`)
      return { code, signal, complaints: Buffer.concat(complaints).toString() }
    })
    // whoever waits hears of it; a life that nobody waits for is ended by `abandon`
    this.ended.catch(() => {})
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** How many lines were heard so far. */
  get count(): number {
    return this.#count
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves with true once so many more lines were heard, with false if the process ends before. */
  async hears(more: number): Promise<boolean> {
    const goal = this.#count + more
    return this.hearsThat(() => this.#count >= goal)
  }

  /** Resolves with true once something holds that is looked at after each line, with false if it ends before. */
  async hearsThat(holds: () => boolean): Promise<boolean> {
    const stop = new AbortController()
    const onEnd = (): void => stop.abort()
    this.ended.then(onEnd, onEnd)
    try {
      while (!holds()) await once(this.#lines, 'line', { signal: stop.signal })
      return true
    } catch (error) {
      if (!stop.signal.aborted) throw error
      await this.ended
      return holds()
    }
  }

  /** Ends it, whatever it is at. For the way out of a scenario. */
  async abandon(): Promise<void> {
    this.kill('SIGCONT')
    this.kill('SIGKILL')
    await this.ended.catch(() => {})
  }
}

/** As a grandchild, the tracer leaves the process itself to be ours, with its own pid and end. */
function traced(syncs: string): string[] {
  const calls = 'fsync,fdatasync'
  const inject = `inject=${calls}:${syncs}`
  return ['strace', '-D', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject]
}
