/**
 * Virtual time that a test moves by hand.
 */
import { VirtualTime } from '../../testing/virtual-time.ts'

export class TestSurroundings extends VirtualTime {
  /** Waits until what a timer began is through; set by whoever knows how. */
  settle: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve))

  /** Lets time pass, timer by timer, with everything that follows from each. */
  async advance(ms: number): Promise<void> {
    const end = this.monotonic() + ms
    await this.settle()
    while (this.nextAt <= end) {
      this.fireNext()
      await this.settle()
    }
    this.jumpTo(end)
  }

  /** Lets time pass at once, as for a process that was stopped: what is overdue fires late, in order. */
  async sleep(ms: number): Promise<void> {
    this.jumpTo(this.monotonic() + ms)
    await this.advance(0)
  }
}
