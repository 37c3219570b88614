/**
 * One process of a pool: its starts, the attempts that it runs, and what becomes of them when it dies.
 *
 * Owns: the process. A service, so that a supervisor starts it anew. Never chooses attempts (see pool.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Outcome, StopReason } from '../../core/model/outcome.ts'
import { errorRecord, fromErrorRecord, perdureError } from '../../errors.ts'
import type { Service } from '../../runtime/supervision/supervisor.ts'
import type { Timer, Timers } from '../../runtime/timers.ts'
import type { Attempt, AttemptControl } from '../executor.ts'
import { stoppedOutcome, stopReasonOf } from '../stopped.ts'
import type { FromProcess, ToProcess } from './messages.ts'

/** What a process is started with. */
export interface ProcessSpec {
  /** The program: a module that calls `serveExecutor`. */
  readonly entry: URL
  readonly args: readonly string[]
  /** Most heap, MiB; undefined: what Node takes. */
  readonly memoryMb: number | undefined
}

/** What a child tells its pool. */
export interface ChildHost {
  readonly timers: Timers
  /** It can take attempts, or one more of them. */
  onRoom(): void
  /** It could not be made ready. */
  onBroken(error: unknown): void
}

/** Beyond the grace of an attempt, for the way there and back, before its process is killed. */
const MARGIN_MS = 500
/** After the death of a process, messages may still be on their way; no longer than this, ms. */
const LAST_WORDS_MS = 1_000
/** A process that is told to close gets this long, ms. */
const CLOSE_MS = 3_000

/** An attempt in a process. */
export interface Assigned {
  readonly attempt: Attempt
  readonly control: AttemptControl
  readonly settle: (outcome: Outcome) => void
}

interface Running extends Assigned {
  readonly onAbort: () => void
  stopReason: StopReason | undefined
  killTimer: Timer | undefined
  /** Its slot is another's for now, so it does not count. */
  hasGivenWay: boolean
}

let lastId = 0

/** One process, replaced whenever it dies. */
export class Child implements Service {
  readonly name: string
  readonly stopMs = CLOSE_MS + LAST_WORDS_MS
  readonly #spec: ProcessSpec
  readonly #host: ChildHost
  readonly #running = new Map<number, Running>()
  #process: ChildProcess | undefined
  #isReady = false
  /** It is about to be killed, and takes nothing more. */
  #isWorn = false
  /** The attempt for whose sake the process was killed; the others in it are not to blame. */
  #culprit: number | undefined

  constructor(name: string, spec: ProcessSpec, host: ChildHost) {
    this.name = name
    this.#spec = spec
    this.#host = host
  }

  /** Whether it can take an attempt. */
  get isReady(): boolean {
    return this.#isReady && !this.#isWorn
  }

  /** Attempts that it runs, without those that have given way. */
  get load(): number {
    let load = 0
    for (const { hasGivenWay } of this.#running.values()) if (!hasGivenWay) load++
    return load
  }

  /** The id of the process, where there is one. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  async run(signal: AbortSignal): Promise<void> {
    const { entry, args, memoryMb } = this.#spec
    const limits = memoryMb === undefined ? [] : [`--max-old-space-size=${memoryMb}`]
    const child = spawn(process.execPath, [...process.execArgv, ...limits, fileURLToPath(entry), ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#process = child
    this.#isWorn = false
    this.#culprit = undefined
    const disconnected = new Promise((resolve) => child.once('disconnect', resolve))
    const exit = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, name) =>
        resolve(name === null ? `ended with code ${code}` : `ended by ${name}`),
      )
    })
    child.on('message', (message) => this.#onMessage(message as FromProcess))
    const close = (): void => {
      this.#send({ type: 'close' })
      this.#host.timers.after(CLOSE_MS, () => child.kill('SIGKILL'), true)
    }
    signal.addEventListener('abort', close, { once: true })
    const how = await exit
    signal.removeEventListener('abort', close)
    this.#isReady = false
    await Promise.race([disconnected, sleep(LAST_WORDS_MS)])
    this.#process = undefined
    this.#bury(how, signal.aborted)
    if (!signal.aborted && !this.#isWorn) throw new Error(`the process ${how}`)
  }

  /** Hands it an attempt. Only when it is ready. */
  assign(assigned: Assigned): void {
    const { attempt, control } = assigned
    const id = ++lastId
    const running: Running = {
      ...assigned,
      onAbort: () => this.#stop(id, running),
      stopReason: undefined,
      killTimer: undefined,
      hasGivenWay: false,
    }
    this.#running.set(id, running)
    this.#send({ type: 'run', id, attempt, graceMs: control.graceMs })
    control.signal.addEventListener('abort', running.onAbort, { once: true })
    control.onInsist(running.onAbort)
  }

  /** Stops all attempts, as if each had been told to. */
  releaseAll(): void {
    for (const [id, running] of [...this.#running]) this.#end(id, running, { type: 'released' })
  }

  #stop(id: number, running: Running): void {
    // whoever insists may be late: what has ended costs no process
    if (!this.#running.has(id)) return
    const { control } = running
    const { graceMs, stopSignal: signal } = control
    const reason = control.stopReason ?? stopReasonOf(control.signal)
    running.stopReason = reason
    this.#send({ type: 'stop', id, reason, graceMs, signal })
    running.killTimer?.cancel()
    running.killTimer = this.#host.timers.after(graceMs + MARGIN_MS, () => {
      // its event loop is blocked, or worse: what cannot be asked is ended
      this.#culprit = id
      this.#isWorn = true
      this.#process?.kill('SIGKILL')
    })
  }

  #onMessage(message: FromProcess): void {
    switch (message.type) {
      case 'ready':
        this.#isReady = true
        this.#host.onRoom()
        return
      case 'broken':
        this.#host.onBroken(fromErrorRecord(message.error))
        return
      case 'log':
        this.#running.get(message.id)?.control.log(message.stream, message.text)
        return
      case 'progress':
        this.#running.get(message.id)?.control.progress(message.fraction, message.message)
        return
      case 'giveWay':
        void this.#giveWay(message.id)
        return
      case 'end': {
        const running = this.#running.get(message.id)
        if (message.isWorn) this.#isWorn = true
        if (running !== undefined) this.#end(message.id, running, message.outcome)
        if (this.#isWorn && this.#running.size === 0) this.#process?.kill('SIGKILL')
        else this.#host.onRoom()
      }
    }
  }

  async #giveWay(id: number): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) return
    running.hasGivenWay = true
    await running.control.giveWay()
    running.hasGivenWay = false
    this.#send({ type: 'goOn', id })
  }

  #end(id: number, running: Running, outcome: Outcome): void {
    this.#running.delete(id)
    running.killTimer?.cancel()
    running.control.signal.removeEventListener('abort', running.onAbort)
    running.settle(outcome)
  }

  /** The process is gone: what it ran has ended with it. */
  #bury(how: string, wasAsked: boolean): void {
    for (const [id, running] of [...this.#running]) {
      const isInnocent = wasAsked || (this.#culprit !== undefined && this.#culprit !== id)
      if (isInnocent) this.#end(id, running, { type: 'released' })
      else if (running.stopReason !== undefined)
        this.#end(
          id,
          running,
          stoppedOutcome(running.stopReason, {
            found: 'a handler that did not end when asked, whose process was killed',
          }),
        )
      else this.#end(id, running, died(how))
    }
  }

  #send(message: ToProcess): void {
    // a process that is about to be found dead reads nothing any more
    if (this.#process?.connected) this.#process.send(message, () => {})
  }
}

function died(how: string): Outcome {
  const memory = how.includes('SIGABRT') || how.includes('134') ? '; it may have run out of memory' : ''
  const error = perdureError('WORKER_LOST', {
    expected: 'the process of the attempt to live until its end',
    found: `that it ${how}${memory}`,
    fix: 'Look at what it wrote to standard error; nothing else of the worker is affected',
  })
  return { type: 'failed', error: errorRecord(error) }
}
