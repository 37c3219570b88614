/**
 * Outlet: one stream of values out of a run, written into its journal.
 */
import { STREAM } from '../core/model/journal.ts'
import { MOST_NAME } from '../core/policy/sizes.ts'
import { nonEmptyText } from '../std/options.ts'
import type { FlowRun } from './run.ts'
import { endOf } from './step-end.ts'

export class Outlet<Value = unknown> {
  readonly #run: FlowRun
  readonly #name: string

  constructor(run: FlowRun, name: string) {
    this.#run = run
    this.#name = nonEmptyText('the name of a stream', name, MOST_NAME)
  }

  /** Adds a value; resolves when it is on record. A replay adds nothing. Rejects with NOT_SERIALIZABLE, TOO_LARGE. */
  write(value: Value): Promise<void> {
    const name = this.#name
    const end = endOf(name, value)
    const entry = (position: number) =>
      ({ type: 'settled', kind: STREAM, position, name, ...end, undo: false }) as const
    return this.#run.wait(STREAM, name, entry) as Promise<void>
  }
}
