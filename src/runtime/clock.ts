/**
 * Clocks: what time it is, and how much time has passed.
 *
 * Everything that reads time takes a {@link Clock}, so that a simulation or a test can hand in its own.
 * Never does: waiting (see timers.ts).
 */

/** Two readings that must not be mixed. */
export interface Clock {
  /** Epoch ms, whole. Can jump, both ways, when the machine's clock is set. */
  now(): number
  /** Ms since some moment, with fractions. Never goes back; may stand still while the machine sleeps. */
  monotonic(): number
}

/** The clocks of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}
