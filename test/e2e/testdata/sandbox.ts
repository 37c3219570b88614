/**
 * A folder for one test, with the processes that run in it: home, store, and an environment without anything of the user.
 *
 * Owns: the folder and the processes; both are gone when it is closed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

/** The program `perdure`. */
export const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** How a process ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a process is started with, where it differs from the usual. */
export interface StartOptions {
  readonly input?: string
  /** Added to {@link Sandbox.env}. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Run by this shell line instead of by itself; `"$@"` stands for the command. */
  readonly shell?: string
}

/** A folder, a home, a store. */
export class Sandbox {
  readonly folder: string
  /** Of every process: its store is `store.db` in the folder. */
  readonly env: Readonly<Record<string, string>>
  readonly #running = new Set<Running>()

  /** @param name a part of the folder's name, such as one with a blank in it. */
  constructor(name = 'e2e') {
    this.folder = mkdtempSync(join(tmpdir(), `perdure-${name}-`))
    this.env = {
      PATH: process.env.PATH ?? '',
      HOME: this.folder,
      PERDURE_URL: `sqlite:${this.path('store.db')}`,
    }
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Writes a file; answers its path. */
  write(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  /** Starts `perdure` with some arguments. */
  start(args: readonly string[], options?: StartOptions): Running {
    return this.node([MAIN, ...args], options)
  }

  /** Starts Node with some arguments. */
  node(args: readonly string[], { shell, ...options }: StartOptions = {}): Running {
    const command = shell === undefined ? args : ['-c', shell, 'sh', process.execPath, ...args]
    const program = shell === undefined ? process.execPath : 'sh'
    const running = new Running(program, command, {
      ...options,
      env: { ...this.env, ...options.env },
      cwd: options.cwd ?? this.folder,
    })
    this.#running.add(running)
    return running
  }

  /** Runs `perdure` to its end. */
  run(args: readonly string[], options?: StartOptions): Promise<Ended> {
    return this.start(args, options).ended
  }

  /** Runs a command that must go well; its standard output. */
  async ok(args: readonly string[], options?: StartOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options)
    expect({ args, code, stderr }).toMatchObject({ args, code: 0 })
    return stdout
  }

  /** Submits a command; its id. */
  async submit(...command: string[]): Promise<string> {
    return (await this.ok(['--quiet', 'submit', '--', ...command])).trim()
  }

  /** Ends what still runs, and takes the folder away. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.kill()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A process, whose output can be waited for. */
export class Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''

  /** @internal Use {@link Sandbox.start}. */
  constructor(program: string, args: readonly string[], { input = '', env, cwd }: StartOptions) {
    this.child = spawn(program, args, { env, cwd, stdio: 'pipe' })
    this.child.stdout?.on('data', (chunk) => (this.stdout += chunk))
    this.child.stderr?.on('data', (chunk) => (this.stderr += chunk))
    this.child.stdin?.on('error', () => {})
    this.child.stdin?.end(input)
    this.ended = once(this.child, 'close').then(([code]) => ({
      code,
      stdout: this.stdout,
      stderr: this.stderr,
    }))
  }

  /** Resolves once standard error holds the text so many times. */
  async says(text: string, times = 1): Promise<void> {
    await this.#writes('stderr', (written) => written.split(text).length > times, text)
  }

  /** Resolves once standard output fits. */
  async prints(pattern: RegExp): Promise<void> {
    await this.#writes('stdout', (written) => pattern.test(written), String(pattern))
  }

  async #writes(stream: 'stdout' | 'stderr', isEnough: (written: string) => boolean, what: string) {
    while (!isEnough(this[stream])) {
      const more = once(this.child[stream] as NonNullable<ChildProcess['stdout']>, 'data')
      const ended = await Promise.race([more, this.ended])
      if ('code' in ended && !isEnough(this[stream]))
        throw new Error(`ended without ${what}: ${this.stdout}${this.stderr}`)
    }
  }

  /** Sends a signal; the exit code, null where a signal ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return (await this.ended).code
  }

  /** Ends it by force, if it is still there. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }
}
