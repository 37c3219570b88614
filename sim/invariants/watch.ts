/**
 * Watch: lets a checker see every command that a real engine applies.
 */
import { Announcer } from '../../src/engine/announcer.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { WorkingSet } from '../../src/engine/workingset.ts'
import type { LiveChecker } from './live.ts'

const watching = new WeakMap<Engine, LiveChecker>()
/** Whose engine applies a command now. */
const settling: LiveChecker[] = []

const { settle } = WorkingSet.prototype
WorkingSet.prototype.settle = function watchedSettle(this: WorkingSet): void {
  settling.length = 0
  settle.call(this)
  // the changes of a command have been noted one by one; now all of its tables agree
  settling[0]?.onCommand(this)
}

/** Tells the checker of every change of a job, and of the end of every command. */
export function watchEngine(engine: Engine, checker: LiveChecker): void {
  if (watching.has(engine)) return
  watching.set(engine, checker)
  const { announcer, leases } = engine
  announcer.note = (before, after, at) => {
    settling[0] = checker
    checker.onJob(before, after, at, engine.workingSet)
    Announcer.prototype.note.call(announcer, before, after, at)
  }
  const { renew } = leases
  leases.renew = (job, attempt, nonce, now) => {
    const isRenewed = renew.call(leases, job, attempt, nonce, now)
    if (isRenewed) checker.onRenewed(nonce, now)
    return isRenewed
  }
}
