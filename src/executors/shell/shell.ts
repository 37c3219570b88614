/**
 * Runs commands: the executor `shell`.
 *
 * Owns: what the attempts of one worker share (pipes, guard, users), and the way from an attempt to a command.
 */
import type { Outcome } from '../../core/model/outcome.ts'
import { systemTimers, type Timers } from '../../runtime/timers.ts'
import type { Attempt, AttemptControl, Executor } from '../executor.ts'
import { stoppedOutcome } from '../stopped.ts'
import { Command } from './command.ts'
import { environmentOf, marks, type Variables, workerVariables } from './environment.ts'
import { type Fifo, Fifos } from './fifos.ts'
import { Guard } from './guard.ts'
import { readInput, readVariables } from './input.ts'
import { launchOf } from './launch.ts'
import { OUTPUT_LIMITS, Output, type OutputLimits } from './output.ts'
import { cookieOf } from './processes.ts'
import { notStarted } from './spawn-errors.ts'
import { Stdio } from './stdio.ts'
import { Sweeper } from './sweeper.ts'
import { type Identity, Users } from './users.ts'

/** What a shell executor can be told. */
export interface ShellOptions {
  /** Marks the commands as those of one store, for `reapOrphans`. Default: no mark. */
  readonly storeId?: string
  /** True keeps LD_*, DYLD_*, NODE_OPTIONS and proxy variables in `env` of an input. Default false. */
  readonly keepUnsafeEnv?: boolean
  /** How much output of an attempt is kept, in characters. Default: the first 900,000 and the last 100,000. */
  readonly output?: OutputLimits
  /** False: no process that kills the commands when the worker crashes. Default true. */
  readonly guard?: boolean
  /** The environment that commands get a part of when the submission brings none. Default: `process.env`. */
  readonly workerEnv?: NodeJS.ProcessEnv
  /** Default: the timers of this machine. */
  readonly timers?: Timers
}

/** The executor of commands. */
export interface ShellExecutor extends Executor {
  readonly name: 'shell'
}

/** Makes an executor of commands. */
export function createShellExecutor(options: ShellOptions = {}): ShellExecutor {
  return new Shell(options)
}

class Shell implements ShellExecutor {
  readonly name = 'shell'
  readonly #options: ShellOptions
  readonly #owner = cookieOf(process.pid)
  readonly #timers: Timers
  readonly #fifos = new Fifos()
  readonly #sweeper = new Sweeper()
  readonly #users = new Users()
  readonly #guard: Guard | undefined
  readonly #workerVariables: Variables
  /** Interned environments that were checked already. */
  readonly #checked = new WeakSet<object>()
  readonly #running = new Set<Command>()
  /** Attempts from their `run` to their end. */
  readonly #active = new Set<Promise<Outcome>>()
  #isClosed = false

  constructor(options: ShellOptions) {
    this.#options = options
    this.#timers = options.timers ?? systemTimers
    this.#guard = options.guard === false ? undefined : new Guard(this.#owner)
    this.#workerVariables = workerVariables(options.workerEnv ?? process.env)
  }

  run(attempt: Attempt, control: AttemptControl): Promise<Outcome> {
    const done = this.#run(attempt, control).catch(notStarted)
    this.#active.add(done)
    void done.then(() => this.#active.delete(done))
    return done
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const command of this.#running) command.kill('drain')
    while (this.#active.size > 0) await Promise.all(this.#active)
    this.#fifos.close()
    this.#guard?.close()
  }

  async #run(attempt: Attempt, control: AttemptControl): Promise<Outcome> {
    const { command: context } = attempt
    const plan = readInput(attempt.input, context)
    const base = this.#base(context?.env)
    const { user, group } = context ?? {}
    const identity =
      user === undefined && group === undefined ? undefined : await this.#users.resolve(user, group)
    const own = marks(attempt, this.#owner, this.#options.storeId)
    const { variables, dropped } = environmentOf(
      base ?? this.#homeOf(identity),
      plan.env,
      own,
      this.#options.keepUnsafeEnv === true,
    )
    const launch = launchOf(plan, variables, own, identity)
    const taken = this.#fifos.take()
    const fifos = taken instanceof Promise ? await taken : taken
    const refused = this.#refusal(control, fifos)
    if (refused !== undefined) return refused
    if (dropped.length > 0) {
      control.log(
        'log',
        `[left out of the environment, as an input may not set them: ${dropped.join(', ')}]\n`,
      )
    }
    this.#guard?.ensure()
    const command = new Command({
      plan,
      launch,
      stdio: new Stdio(plan, this.#fifos, fifos, identity, launch.setUp === undefined),
      output: new Output(control, this.#options.output ?? OUTPUT_LIMITS),
      token: attempt.token,
      control,
      timers: this.#timers,
      sweeper: this.#sweeper,
      who: identity === undefined ? 'the user of the worker' : `user ${identity.name ?? identity.uid}`,
    })
    this.#running.add(command)
    const outcome = await command.done
    this.#running.delete(command)
    return outcome
  }

  /** Waiting for users and pipes takes time, in which the attempt may have been stopped. */
  #refusal(control: AttemptControl, fifos: readonly Fifo[] | undefined): Outcome | undefined {
    const reason = this.#isClosed ? 'drain' : control.stopReason
    if (reason === undefined) return undefined
    for (const fifo of fifos ?? []) this.#fifos.giveBack(fifo)
    return stoppedOutcome(reason, { found: 'a stop before the command was started' })
  }

  #base(submitted: Variables | undefined): Variables | undefined {
    if (submitted === undefined || this.#checked.has(submitted)) return submitted
    readVariables(submitted, 'the environment of the submission')
    this.#checked.add(submitted)
    return submitted
  }

  /** The worker's variables, with another user's home instead of the worker's. */
  #homeOf(identity: Identity | undefined): Variables {
    if (identity?.name === undefined) return this.#workerVariables
    const { name, home, shell } = identity
    return { ...this.#workerVariables, HOME: home, SHELL: shell, USER: name, LOGNAME: name }
  }
}
