/**
 * Heap: the one choice that is made about the memory of this process.
 */
import { setFlagsFromString } from 'node:v8'

/**
 * Has new objects begin among the young ones, always.
 *
 * Where V8 sees a burst of objects outlive a collection or two, it makes further objects of the same lines of code among the
 * old ones at once, for as long as the process lives (allocation-site pretenuring). Bursts are a queue's daily bread: after
 * the first, whatever passes through is garbage that only a full collection finds, and keeps alive until then what it names.
 * Collections of the young then take about five times as long (see docs/decisions/56-objects-begin-young.md).
 *
 * The choice holds for the whole process and is a matter of time only. Taken back by
 * `v8.setFlagsFromString('--allocation-site-pretenuring')`.
 */
export function beginYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
