/**
 * Alarm: the one thing that a run does when nothing else has happened for a while.
 */
import type { RunPort } from './port.ts'

export class Alarm {
  #disarm: (() => void) | undefined

  /** Calls `act` after a time, ms, in place of what was set before. */
  set(port: RunPort, ms: number, act: () => void): void {
    this.clear()
    this.#disarm = port.after(ms, () => {
      this.#disarm = undefined
      act()
    })
  }

  clear(): void {
    this.#disarm?.()
    this.#disarm = undefined
  }
}
