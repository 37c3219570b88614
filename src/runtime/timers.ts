/**
 * Timers without the limits of the native ones: any delay up to 2^53 ms, and never early.
 *
 * Native timers overflow beyond 2^31 - 1 ms (and then fire at once), and may fire a fraction of a ms
 * too soon. Never does: many timers at once; whoever has thousands of deadlines keeps them in one place
 * and arms one timer for the first.
 */
import { type Clock, systemClock } from './clock.ts'

/** A pending call. */
export interface Timer {
  /** Drops the call; harmless when it was made already. */
  cancel(): void
}

/** Makes calls later. Handed in wherever code waits, so that a test can be the one who moves time. */
export interface Timers {
  /**
   * Calls `act` once, `ms` from now at the earliest.
   *
   * @param background true lets the process end although the call is pending. Default false.
   */
  after(ms: number, act: () => void, background?: boolean): Timer
}

/** The longest delay that native timers take. */
const LONGEST_NATIVE_MS = 2 ** 31 - 1

/**
 * Calls `act` once, when `ms` milliseconds of monotonic time have passed.
 *
 * @param ms from 0 to 2^53 - 1; what is longer than a native timer can be is waited for in pieces.
 */
export function longTimeout(
  ms: number,
  act: () => void,
  options: { readonly background?: boolean; readonly clock?: Clock } = {},
): Timer {
  const clock = options.clock ?? systemClock
  const dueAt = clock.monotonic() + ms
  let native: NodeJS.Timeout | undefined
  const arm = (): void => {
    const left = dueAt - clock.monotonic()
    if (left <= 0) act()
    else wait(left)
  }
  const wait = (left: number): void => {
    native = setTimeout(arm, Math.min(Math.ceil(left), LONGEST_NATIVE_MS))
    if (options.background === true) native.unref()
  }
  // also a delay of nothing is a later turn: callers may rely on having the timer in hand
  wait(ms)
  return { cancel: () => clearTimeout(native) }
}

/** The timers of this machine. */
export const systemTimers: Timers = {
  after: (ms, act, background = false) => longTimeout(ms, act, { background }),
}
