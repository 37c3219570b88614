/**
 * The interface through which workflows are measured, beside that of jobs in system.ts. What is measured, and how, is
 * in scenarios.ts; a system only carries it out.
 */
import type { Goal, Place, ProcessUse } from '../system.ts'

/** Steps of the workflow that `steps` runs. */
export const STEPS = 10

/** What the code of workflows tells the scenario. Each is called from within that code. */
export interface Hooks {
  /** A step begins: `run * STEPS + step`. */
  stepped(number: number): void
  /** A child of the fan-out begins. */
  childRan(number: number): void
  /** A run is about to wait for a signal. */
  waits(run: number): void
  /** A run has its signal. */
  resumed(run: number): void
}

export interface WorkflowSystem {
  /** Runs in flight at which the most steps are done in a second. */
  readonly inFlight: number

  /** Opens or connects, with a worker for all workflows below. */
  open(hooks: Hooks): Promise<void>
  /** Starts a run of `STEPS` steps, one after another, that do nothing; resolves when its end is known here. */
  steps(run: number): Promise<void>
  /** Starts a run that waits for a signal and ends. */
  wait(run: number): Promise<void>
  /** Starts many of them. */
  waitMany?(first: number, count: number): Promise<void>
  /** Signals a run of `wait`. */
  signal(run: number): Promise<void>
  /** Runs a workflow that starts so many children and waits for all; resolves when its end is known here. */
  fanOut(children: number): Promise<void>
  /** How many runs are under way, and how many of these wait with no worker. */
  counts?(): Promise<{ live: number; suspended: number }>
  /** What the process that serves the runs has used. */
  use?(): ProcessUse
  /** Starts a run that takes so many steps, and then waits for one signal after another. */
  long?(steps: number): Promise<void>
  /** Closes, and opens again: what was in memory is gone. */
  reopen?(): Promise<void>
  /** Stops the process that serves the runs and starts it again, with no worker. */
  restart?(): Promise<void>
  close(): Promise<void>
}

/** Makes a system that has not been opened. */
export type WorkflowSystemFactory = (place: Place, goal: Goal) => Promise<WorkflowSystem> | WorkflowSystem
