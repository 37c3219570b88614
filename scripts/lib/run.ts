/**
 * Runs one command of a stage: bounded in time, without a terminal, and never leaving a process behind.
 *
 * Owns: the child's process group. Never decides what a failure means.
 */
import { type ChildProcess, spawn } from 'node:child_process'

/** How a command ended. `reason` is undefined when it succeeded, else a phrase for the summary. */
export interface RunResult {
  readonly reason: string | undefined
}

/** What to run: `args` go to this same Node; the output goes straight to ours. */
export interface RunParams {
  readonly args: readonly string[]
  readonly cwd: string
  readonly timeoutMs: number
  readonly env?: NodeJS.ProcessEnv
}

let running: ChildProcess | undefined

/** Runs Node with `args` and resolves when it, and everything it started in its group, has ended. */
export function runNode({ args, cwd, timeoutMs, env }: RunParams): Promise<RunResult> {
  const { promise, resolve } = Promise.withResolvers<RunResult>()
  // a group of its own, so that a timeout ends the grandchildren, too
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...plainWhenPiped(), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  running = child
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    killGroup(child, 'SIGKILL')
  }, timeoutMs)
  const end = (reason: string | undefined): void => {
    clearTimeout(timer)
    running = undefined
    // what the command left running would disturb the next stage
    killGroup(child, 'SIGKILL')
    resolve({ reason })
  }
  child.on('error', (error) => end(`could not be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (timedOut) end(`stopped after ${Math.round(timeoutMs / 1000)} s`)
    else if (signal) end(`ended by ${signal}`)
    else end(code === 0 ? undefined : `exit code ${code}`)
  })
  return promise
}

/** Some tools colour whatever they write when `CI` is set; a log is read as text. */
function plainWhenPiped(): NodeJS.ProcessEnv {
  return process.stdout.isTTY || process.env.FORCE_COLOR ? {} : { NO_COLOR: '1' }
}

/** From now on, a signal that ends this process also ends the command that is running. */
export function passSignalsOn(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      if (running) killGroup(running, 'SIGKILL')
      process.kill(process.pid, signal)
    })
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // the group is empty, which is what we want
  }
}
