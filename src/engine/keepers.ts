/**
 * Keepers: which worker keeps its room for a job that does not fit anywhere now.
 *
 * Owns: that there is one per line, so that a large job makes one worker run empty and not all of them.
 */
export class Keepers {
  readonly #byLine = new Map<number, number>()

  /**
   * Whether a worker is the one that keeps its room for the first job of a line; it becomes it where there is none.
   *
   * @param isBusy whether a worker has given anything away: one that has not, and yet did not take the job, has gone.
   */
  isKeeper(line: number, worker: number, isBusy: (worker: number) => boolean): boolean {
    const keeper = this.#byLine.get(line)
    if (keeper !== undefined && keeper !== worker && isBusy(keeper)) return false
    this.#byLine.set(line, worker)
    return true
  }
}
