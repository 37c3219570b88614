/**
 * Job states: their names, the sets of them, and the moves between them that are legal.
 *
 * Owns: the only list of states. A state is stored as its position in {@link JOB_STATES}, so the order
 * is part of the stored format: append, never reorder.
 */

/** Every state, in the order of their stored codes. */
export const JOB_STATES = [
  'blocked',
  'scheduled',
  'waiting',
  'ready',
  'running',
  'suspended',
  'held',
  'succeeded',
  'failed',
  'cancelled',
] as const

/** The name of a state, as users see it. */
export type JobState = (typeof JOB_STATES)[number]

/** Dependencies are unmet. */
export const BLOCKED = 0
/** Not due yet: delayed, snoozed, or in the back-off of a retry. */
export const SCHEDULED = 1
/** Parked in the line of a limit that is full. */
export const WAITING = 2
/** May be leased. */
export const READY = 3
/** Leased to a worker. */
export const RUNNING = 4
/** A workflow run that waits for an event: without a lease, a worker or a slot. */
export const SUSPENDED = 5
/** Put aside by an operator. */
export const HELD = 6
/** Ended well. Terminal. */
export const SUCCEEDED = 7
/** Ended badly. Terminal until an explicit restart. */
export const FAILED = 8
/** Ended by a cancel. Terminal until an explicit restart. */
export const CANCELLED = 9

/** The stored code of a state. */
export type StateCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

/** True for the states that a job leaves only by an explicit restart, or by deletion. */
export function isTerminal(state: StateCode): boolean {
  return state >= SUCCEEDED
}

/** The name of a stored code. */
export function stateName(state: StateCode): JobState {
  return JOB_STATES[state]
}

/** The stored code of a name, or undefined where there is no such state. */
export function stateCode(name: string): StateCode | undefined {
  const index = (JOB_STATES as readonly string[]).indexOf(name)
  return index < 0 ? undefined : (index as StateCode)
}

const MOVES: readonly (readonly StateCode[])[] = [
  /* blocked   */ [SCHEDULED, WAITING, READY, HELD, SUCCEEDED, FAILED, CANCELLED],
  /* scheduled */ [WAITING, READY, HELD, FAILED, CANCELLED],
  /* waiting   */ [READY, SCHEDULED, HELD, FAILED, CANCELLED],
  /* ready     */ [RUNNING, WAITING, SCHEDULED, HELD, FAILED, CANCELLED],
  /* running   */ [SCHEDULED, WAITING, READY, SUSPENDED, HELD, SUCCEEDED, FAILED, CANCELLED],
  /* suspended */ [WAITING, READY, HELD, SUCCEEDED, FAILED, CANCELLED],
  /* held      */ [BLOCKED, SCHEDULED, WAITING, READY, SUSPENDED, SUCCEEDED, FAILED, CANCELLED],
  /* succeeded */ [],
  /* failed    */ [BLOCKED, WAITING, READY, SUCCEEDED],
  /* cancelled */ [BLOCKED, WAITING, READY, SUCCEEDED],
]

/** Whether a job may go from one state to another in one change. */
export function isLegalMove(from: StateCode, to: StateCode): boolean {
  return from === to || (MOVES[from] as readonly StateCode[]).includes(to)
}
