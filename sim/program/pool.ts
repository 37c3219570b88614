/**
 * Pool: runs scenarios in processes of their own, several at once. What a scenario does depends on nothing but
 * itself, so it does not matter which process runs it. A process that does not answer is ended.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Scenario } from '../scenario.ts'
import type { Outcome } from './task.ts'

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))
/** Compiled modules: a process is there three times as fast. */
const COMPILED = fileURLToPath(new URL('../../.cache/compiled', import.meta.url))
/** A scenario takes some hundred ms; one that takes this long, s, never ends, however busy the machine is. */
const LONGEST_S = 600

/** A scenario on its way. */
interface Job {
  readonly scenario: Scenario
  readonly resolve: (outcome: Outcome) => void
}

export class Pool {
  readonly #mutant: string | undefined
  readonly #size: number
  readonly #idle: ChildProcess[] = []
  readonly #all = new Set<ChildProcess>()
  readonly #waiting: Job[] = []

  /** @param mutant Name of the mutant that the processes carry. */
  constructor(size: number, mutant: string | undefined) {
    this.#size = size
    this.#mutant = mutant
  }

  /** Runs a scenario; never rejects. */
  run(scenario: Scenario): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#waiting.push({ scenario, resolve })
      this.#next()
    })
  }

  /** Ends all processes. */
  close(): void {
    for (const child of this.#all) child.kill('SIGKILL')
    this.#all.clear()
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const child = this.#idle.pop() ?? (this.#all.size < this.#size ? this.#start() : undefined)
    if (child !== undefined) this.#give(child, this.#waiting.shift() as Job)
  }

  #start(): ChildProcess {
    const env: NodeJS.ProcessEnv = { ...process.env, NODE_COMPILE_CACHE: COMPILED }
    if (this.#mutant === undefined) delete env.MUTANT
    else env.MUTANT = this.#mutant
    const child = fork(CHILD, [], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#all.add(child)
    return child
  }

  #give(child: ChildProcess, { scenario, resolve }: Job): void {
    let left = LONGEST_S
    // In steps, since a process that was stopped, or a machine that slept, was given no time meanwhile.
    const clock = setInterval(() => --left === 0 && child.kill('SIGKILL'), 1_000)
    const settle = (outcome: Outcome, lives: boolean): void => {
      clearInterval(clock)
      child.removeAllListeners('message')
      child.removeAllListeners('exit')
      if (lives) this.#idle.push(child)
      else this.#all.delete(child)
      resolve(outcome)
      this.#next()
    }
    child.once('message', (outcome) => settle(outcome as Outcome, true))
    child.once('exit', (code, signal) => settle(unfinished(scenario, signal ?? `code ${code}`), false))
    child.send(scenario)
  }
}

/** The outcome of a scenario whose process ended first. */
function unfinished(scenario: Scenario, how: string): Outcome {
  const found = `the process that ran it ended with ${how}; at the latest after ${LONGEST_S} s`
  return {
    seed: scenario.swarm.seed,
    digest: '',
    hours: 0,
    events: 0,
    commits: 0,
    storeOperations: 0,
    commands: {},
    looks: {},
    jobs: 0,
    failure: {
      kind: 'crash',
      id: 'CRASH',
      statement: 'The engine never fails on its own account.',
      found,
      stack: found,
      atMs: Infinity,
      scenario,
      tail: [],
    },
  }
}
