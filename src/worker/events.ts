/**
 * What a worker tells those who listen.
 *
 * Owns: the names and contents of events. A listener that throws harms nobody: what it threw is an `error`
 * event, and one that an `error` listener throws is a process warning.
 */
import type { Outcome } from '../core/model/outcome.ts'
import { type ErrorRecord, textOf } from '../errors.ts'

/** An attempt, as events name it. */
export interface AttemptEvent {
  readonly job: number
  readonly kind: string
  readonly queue: string
  readonly attempt: number
  readonly token: string
}

/** An attempt whose end is known to the engine, or whose lease is known to be lost. */
export interface AttemptEndEvent extends AttemptEvent {
  /** `lost`: the lease had gone to another, or could not be reported; nothing was recorded. */
  readonly outcome: Outcome['type'] | 'lost'
  readonly error?: ErrorRecord
  /** From the start of the handler to its end, ms. */
  readonly durationMs: number
  /** True when the handler had not ended after its grace, and may still be running. */
  readonly abandoned: boolean
}

/** Events by name, with what their listeners get. */
export interface WorkerEvents {
  /** A handler is about to be called. */
  readonly started: AttemptEvent
  readonly attempt: AttemptEndEvent
  /** No attempt runs, all ends are known, and no work has come for a moment. */
  readonly idle: Record<never, never>
  /** The worker accepts no more work. */
  readonly draining: { readonly running: number }
  /** The worker has ended: nothing runs, everything that could be reported was. `unrecorded` ends were not. */
  readonly drained: { readonly unrecorded: number }
  /** Something went wrong that no job can be blamed for. The worker goes on unless it says CLOSED. */
  readonly error: Error
}

type Listener<Name extends keyof WorkerEvents> = (event: WorkerEvents[Name]) => void

/** The listeners of one worker. */
export class Listeners {
  readonly #sets: { [Name in keyof WorkerEvents]?: Set<Listener<Name>> } = {}

  /** Adds a listener; the answer removes it. */
  on<Name extends keyof WorkerEvents>(name: Name, listener: Listener<Name>): () => void {
    const sets = this.#sets as Record<Name, Set<Listener<Name>> | undefined>
    const set = sets[name] ?? new Set()
    sets[name] = set
    // a wrapper, so that adding the same function twice gives two that can be removed one by one
    const own: Listener<Name> = (event) => listener(event)
    set.add(own)
    return () => set.delete(own)
  }

  /** Whether anyone listens; hot paths make no event for nobody. */
  has(name: keyof WorkerEvents): boolean {
    return (this.#sets[name]?.size ?? 0) > 0
  }

  emit<Name extends keyof WorkerEvents>(name: Name, event: WorkerEvents[Name]): void {
    const set = this.#sets[name] as Set<Listener<Name>> | undefined
    if (set === undefined || set.size === 0) {
      if (name === 'error') process.emitWarning(event as Error)
      return
    }
    for (const listener of [...set]) {
      try {
        listener(event)
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(textOf(thrown))
        if (name === 'error') process.emitWarning(error)
        else this.emit('error', error)
      }
    }
  }
}
