/**
 * Cautions: what is to be said about the code of a run before it becomes a problem, with the place that it came to.
 *
 * Owns: what is worth saying, and in which words. Never does: changing what a run does; and saying it (see RunWatch).
 */
import { CHILD, ENTRY_NAMES, type EntryKind, SEND, STEP } from '../core/model/journal.ts'
import { MOST_VALUE } from '../core/policy/sizes.ts'

/** Who looks at the code of a workflow, for all of its runs. */
export interface RunWatch {
  /** Whether mistakes are looked for, and not only limits. */
  readonly isStrict: boolean
  /** Runs code of the user; what it does in there outside of steps can be told to be its own. */
  inside<T>(place: Place, code: () => T): T
  /** Runs what is not to be taken for the code of a run. */
  outside<T>(act: () => T): T
  /** Says something, once for each topic. */
  warn(topic: string, text: string): void
}

/** Where the code of a run is. */
export interface Place {
  /** In words: `after step 'charge' (position 3)`. */
  readonly where: string
}

/** Nobody looks. */
export const UNWATCHED: RunWatch = {
  isStrict: false,
  inside: (_, code) => code(),
  outside: (act) => act(),
  warn: () => {},
}

/** A journal is spoken of at this length, and at each doubling. */
const LONG_JOURNAL = 10_000
/** Values are spoken of from this part of what they may be. */
const LARGE_VALUE = MOST_VALUE / 4

/** What nobody should leave without waiting for it. */
const AWAITED: ReadonlySet<EntryKind> = new Set<EntryKind>([STEP, CHILD, SEND])

export class Cautions implements Place {
  readonly #watch: RunWatch
  /** What was asked for and has not settled, in words, by position. */
  readonly #open = new Map<number, string>()
  #last = ''
  #lastPosition = -1
  #longFrom = LONG_JOURNAL

  constructor(watch: RunWatch) {
    this.#watch = watch
  }

  get where(): string {
    return this.#last === '' ? 'at its beginning' : `after ${this.#last} (position ${this.#lastPosition})`
  }

  /** The code asked for something. */
  asked(kind: EntryKind, name: string, position: number): void {
    if (!this.#watch.isStrict) return
    this.#last = `${ENTRY_NAMES[kind]} '${name}'`
    this.#lastPosition = position
    if (AWAITED.has(kind)) this.#open.set(position, this.#last)
  }

  /** Something settled, or was let go of. */
  settled(position: number): void {
    this.#open.delete(position)
  }

  /** A step has the name of one that was before it. */
  repeated(given: string, name: string): void {
    if (!this.#watch.isStrict) return
    const text = `step '${given}' ${this.where} has the name of an earlier one, and is recorded as '${name}'. Give each step a name of its own, such as one with the number of the round.`
    this.#watch.warn(`name ${given}`, text)
  }

  /** The code ended well. */
  ended(): void {
    for (const [position, what] of this.#open) {
      const text = `its code ended before ${what} (position ${position}), which nobody waited for. Await it, or let it go with flow.race.`
      this.#watch.warn(`left ${what}`, text)
    }
  }

  /** The code waits for nothing that was asked for. */
  strays(): void {
    const text = `its code waits for something that does not come from flow, ${this.where}. It would wait for it again in every replay, and may then take another way: do it in a step.`
    this.#watch.warn('stray', text)
  }

  /** The journal has grown. */
  grown(length: number): void {
    if (length < this.#longFrom) return
    this.#longFrom = 2 * length
    const text = `the journal of a run has ${length} entries, ${this.where}. A replay reads all of them: begin anew with flow.continueAsNew now and then, or give parts of the work to children.`
    this.#watch.warn(`journal ${length}`, text)
  }

  /** A value was recorded. */
  large(name: string, length: number): void {
    if (length < LARGE_VALUE) return
    const text = `step '${name}' gave a value of ${length} characters; ${MOST_VALUE} is the most. Store it elsewhere, and return where it is.`
    this.#watch.warn(`value ${name}`, text)
  }
}
