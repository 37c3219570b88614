/**
 * Undo: what a run has done and has to undo when it does not succeed, last first.
 */

/** What undoes a step. */
export interface Undo {
  readonly name: string
  readonly fn: (value: never) => unknown
}

export class Undos {
  /** In the order in which the steps were done. */
  readonly #done: (Undo & { readonly value: unknown })[] = []
  isUnderWay = false
  hasFailed = false

  get isEmpty(): boolean {
    return this.#done.length === 0
  }

  /** Notes a step that was done, with its result. */
  note(undo: Undo, value: unknown): void {
    this.#done.push({ ...undo, value })
  }

  /** Undoes all of it, each as a step of its own. Rejects with what the first that fails fails with; the rest is left. */
  async undoAll(step: (name: string, fn: () => unknown) => Promise<unknown>): Promise<void> {
    this.isUnderWay = true
    try {
      for (const { name, fn, value } of this.#done.splice(0).reverse()) {
        await step(`undo ${name}`, () => fn(value as never))
      }
    } catch (error) {
      this.hasFailed = true
      throw error
    }
  }
}
