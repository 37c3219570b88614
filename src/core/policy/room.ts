/**
 * Room: what a worker still has to give of its processors and memory, within one lease command.
 *
 * Owns: that jobs never reserve more than there is, and that a large job, which does not fit now, is passed by a bounded
 * number of smaller ones (C8): its worker keeps what is given back for it, once those behind it have had a head start.
 */
import type { Share } from '../model/requirements.ts'

/** Where a job stands: its urgency, and how far its turn is ahead of its queue's. */
interface Standing {
  readonly rank: number
  readonly ahead: number
}

/** Jobs of a fairness key that may pass one of the same urgency that does not fit, each as long as a turn is wide. */
const HEAD_START = 32

/** One worker's room. */
export class Room {
  #cpus: number
  #memory: number
  readonly #kept: Standing[] = []

  constructor(capacity: Share, reserved: Share = { cpus: 0, memory: 0 }) {
    this.#cpus = capacity.cpus - reserved.cpus
    this.#memory = capacity.memory - reserved.memory
  }

  /** Keeps room for a job that does not fit now. */
  keepFor(standing: Standing): void {
    this.#kept.push(standing)
  }

  /** Whether a job may begin now. One that reserves nothing is in nobody's way. */
  admits({ cpus, memory }: Share, standing: Standing): boolean {
    if (cpus === 0 && memory === 0) return true
    if (cpus > this.#cpus || memory > this.#memory) return false
    return !this.#kept.some((kept) => comesAfter(standing, kept))
  }

  /** A job begins. */
  take({ cpus, memory }: Share): void {
    this.#cpus -= cpus
    this.#memory -= memory
  }
}

/** More urgent ones pass always; less urgent ones never: that the large job waits is for their likes. */
function comesAfter(standing: Standing, kept: Standing): boolean {
  if (standing.rank !== kept.rank) return standing.rank > kept.rank
  return standing.ahead > kept.ahead + HEAD_START
}

/** Room for any number of jobs that reserve nothing. */
export const NO_BOUNDS = new Room({ cpus: 0, memory: 0 })
