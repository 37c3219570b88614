/**
 * One running command, from its start to its end.
 *
 * Owns: the order of its end. The attempt ends with the command, not with what the command left behind: that is
 * ended too. When asked to stop, the group gets a signal; after the grace everything that carries the attempt's
 * token is killed, wherever it went.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Outcome, StopReason } from '../../core/model/outcome.ts'
import { errorRecord, perdureError } from '../../errors.ts'
import type { Timer, Timers } from '../../runtime/timers.ts'
import { formatDuration } from '../../std/duration.ts'
import type { AttemptControl } from '../executor.ts'
import { type StopDetails, stoppedOutcome, stopReasonOf } from '../stopped.ts'
import type { CommandPlan } from './input.ts'
import type { Launch } from './launch.ts'
import type { Output } from './output.ts'
import { isGroupAlive, signal } from './processes.ts'
import { explainSetUp, explainSpawn, notStarted } from './spawn-errors.ts'
import type { Stdio } from './stdio.ts'
import type { Sweeper } from './sweeper.ts'

/** Output that is in a pipe when the command ends is there at once; only a daemon that holds the pipe lets us wait. */
const DRAIN_MS = 250
/** A killed process is gone in no time, unless it hangs in the kernel (a dead network file system). */
const KILL_MS = 5_000
/** How often to look whether a group that was asked to end did so: less and less, for looking costs something. */
const FIRST_LOOK_MS = 5
const LAST_LOOK_MS = 200

/** What a command needs to run. */
export interface CommandParts {
  readonly plan: CommandPlan
  readonly launch: Launch
  readonly stdio: Stdio
  readonly output: Output
  readonly token: string
  readonly control: AttemptControl
  readonly timers: Timers
  readonly sweeper: Sweeper
  /** Whom the command runs as, for messages. */
  readonly who: string
}

/** How the first process of a command ended. */
interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A command. */
export class Command {
  readonly done: Promise<Outcome>
  readonly #parts: CommandParts
  readonly #startedAt = performance.now()
  #resolve: (outcome: Outcome) => void = () => {}
  #child: ChildProcess | undefined
  #reading: Promise<unknown> = Promise.resolve()
  #exit: Exit | undefined
  #stopped: StopReason | undefined
  #asked: NodeJS.Signals | undefined
  #isKilled = false
  #isSettled = false
  #setUpWord = ''
  #swept: Promise<void> | undefined
  #timer: Timer | undefined

  /** Starts it. */
  constructor(parts: CommandParts) {
    this.#parts = parts
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    try {
      this.#start()
    } catch (error) {
      this.#onError(error)
    } finally {
      parts.stdio.closeChildEnds()
    }
  }

  /** Ends it by force, as `reason` would. */
  kill(reason: StopReason): void {
    // one that has ended already only waits for the rest of its output
    if (this.#exit === undefined) this.#stopped ??= reason
    this.#force()
  }

  #start(): void {
    const { launch, stdio, output, control } = this.#parts
    const list = launch.setUp === undefined ? stdio.list : [...stdio.list, 'pipe' as const]
    const { file, args, cwd, env } = launch
    // detached: a session and a process group of its own, which can be ended as a whole
    const child = spawn(file, args, { cwd, env, detached: true, stdio: list })
    this.#child = child
    child.on('error', (error) => this.#onError(error))
    if (child.pid === undefined) return
    child.on('exit', (code, name) => this.#onExit({ code, signal: name }))
    const reading = stdio.sources.map(({ stream, source }) => output.follow(stream, source))
    if (child.stdout !== null) reading.push(output.follow('stdout', child.stdout))
    if (child.stderr !== null) reading.push(output.follow('stderr', child.stderr))
    this.#reading = Promise.all(reading)
    if (launch.setUp !== undefined) this.#setUp(child, launch.setUp)
    control.onInsist(this.#onInsist)
    if (control.signal.aborted) this.#onAbort()
    else control.signal.addEventListener('abort', this.#onAbort)
  }

  /** Hands the environment to the set-up shell, and listens to what it says. */
  #setUp(child: ChildProcess, text: string): void {
    const channel = child.stdio[3] as import('node:net').Socket
    channel.on('error', () => {})
    channel.on('data', (bytes: Buffer) => {
      if (this.#setUpWord.length < 100) this.#setUpWord += bytes.toString('latin1')
    })
    channel.end(text)
  }

  readonly #onAbort = (): void => {
    // what has ended has ended: its result is as good as any
    if (this.#exit !== undefined || this.#isSettled || this.#stopped !== undefined) return
    this.#stopped = stopReasonOf(this.#parts.control.signal)
    this.#ask()
  }

  /** The first process may have heeded already: then the others of its group are meant. */
  readonly #onInsist = (): void => {
    if (this.#stopped === undefined || this.#isKilled || this.#isSettled) return
    this.#timer?.cancel()
    this.#ask()
  }

  /** Signals the group, unless it has had that signal, and begins the grace. */
  #ask(): void {
    const { control, timers } = this.#parts
    const group = -(this.#child?.pid ?? 0)
    const name = signalName(control.stopSignal)
    if (name !== this.#asked) signal(group, name)
    this.#asked = name
    // a stopped process (SIGSTOP) could not heed the signal
    signal(group, 'SIGCONT')
    this.#timer = timers.after(control.graceMs, () => this.#force())
  }

  #force(): void {
    if (this.#isSettled || this.#isKilled) return
    this.#isKilled = true
    this.#timer?.cancel()
    const { sweeper, token, timers } = this.#parts
    const pid = this.#child?.pid
    if (pid === undefined) return
    signal(-pid, 'SIGKILL')
    this.#timer = timers.after(KILL_MS, () => this.#settle())
    this.#swept = sweeper.sweep(token).then(() => {
      if (this.#exit !== undefined) this.#drain()
    })
  }

  #onExit(exit: Exit): void {
    if (this.#isSettled) return
    this.#exit = exit
    const pid = this.#child?.pid ?? 0
    if (this.#isKilled) {
      void this.#swept?.then(() => this.#drain())
    } else if (this.#stopped !== undefined) {
      void this.#awaitGroup(pid)
    } else {
      // whoever is left in the group would go on working for an attempt that is over
      signal(-pid, 'SIGKILL')
      this.#drain()
    }
  }

  /** The first process heeded the signal; the others of its group have the rest of the grace to do so. */
  async #awaitGroup(pid: number): Promise<void> {
    let waitMs = FIRST_LOOK_MS
    while (!this.#isKilled && (await isGroupAlive(pid))) {
      await new Promise<void>((resolve) => this.#parts.timers.after(waitMs, resolve))
      waitMs = Math.min(waitMs * 2, LAST_LOOK_MS)
    }
    if (this.#isKilled) return
    // nobody in the group is left; a daemon outside of it may be
    await this.#parts.sweeper.sweep(this.#parts.token)
    this.#drain()
  }

  /** Reads what is still in the pipes. */
  #drain(): void {
    if (this.#isSettled) return
    this.#timer?.cancel()
    this.#timer = this.#parts.timers.after(DRAIN_MS, () => this.#settle())
    void this.#reading.then(() => this.#settle())
  }

  #onError(error: unknown): void {
    // `kill` and the like report here as well; only before the start is it the end
    if (this.#child?.pid !== undefined) return
    const { plan, launch } = this.#parts
    const { PATH } = launch.env
    this.#finish(notStarted(explainSpawn(plan, PATH, error)))
  }

  #settle(): void {
    if (this.#isSettled) return
    this.#parts.output.finish()
    this.#finish(this.#outcome())
  }

  #finish(outcome: Outcome): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { stdio, control } = this.#parts
    this.#timer?.cancel()
    if (this.#child?.pid !== undefined) control.signal.removeEventListener('abort', this.#onAbort)
    stdio.release()
    stdio.abandon()
    this.#child?.stdout?.destroy()
    this.#child?.stderr?.destroy()
    this.#resolve(outcome)
  }

  #outcome(): Outcome {
    const exit = this.#exit
    const durationMs = Math.round(performance.now() - this.#startedAt)
    const result = { exitCode: exit?.code ?? null, signal: exit?.signal ?? null, durationMs }
    if (this.#stopped !== undefined) {
      const found = exit === undefined ? UNKILLABLE : `a command that ${howItEnded(exit)} when it was stopped`
      return stoppedOutcome(this.#stopped, { found, result } satisfies StopDetails)
    }
    if (exit?.code === 0) return { type: 'succeeded', result }
    if (this.#setUpWord !== '' && exit?.code === 126) {
      return notStarted(explainSetUp(this.#setUpWord.trim(), this.#parts.plan, this.#parts.who))
    }
    const error = perdureError('EXIT_CODE', {
      expected: 'the command to end with exit code 0',
      found: `one that ${howItEnded(exit)}`,
      fix: adviceFor(exit),
      data: { exitCode: result.exitCode, signal: result.signal },
    })
    return { type: 'failed', error: errorRecord(error), result }
  }
}

const UNKILLABLE = `a command that did not end within ${formatDuration(KILL_MS)} of SIGKILL; it may still be running`

function howItEnded(exit: Exit | undefined): string {
  return exit?.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit?.code}`
}

function adviceFor(exit: Exit | undefined): string {
  if (exit?.code === 127)
    return 'By custom 127 means that a script named a command that is not installed; look at its output'
  if (exit?.code === 126)
    return 'By custom 126 means that a script named a file that is not executable; look at its output'
  if (exit?.signal === 'SIGKILL') return 'If nobody killed it, the machine ran out of memory'
  return 'Look at the output of the attempt'
}

/** Reads `INT`, `SIGINT` or `2`; anything else is SIGTERM. */
function signalName(wanted: string | undefined): NodeJS.Signals {
  const upper = (wanted ?? 'SIGTERM').toUpperCase()
  const names = Object.entries(constants.signals)
  const found = names.find(
    ([name, number]) => name === upper || name === `SIG${upper}` || String(number) === upper,
  )
  return (found?.[0] ?? 'SIGTERM') as NodeJS.Signals
}
