/**
 * Seal: keeps the real world out while a simulation runs. Turns of the event loop become events of the actor
 * that asks for one, randomness comes from the seed, and a native timer is refused, since nothing that is
 * simulated may wait for one.
 */
import { tellTurnsApart } from '../../src/workflow/turns.ts'
import type { Random } from '../random.ts'
import { currentActor } from './actor.ts'
import type { Scheduler } from './scheduler.ts'

/** Seals this process; answers how to open it again. */
export function seal(scheduler: Scheduler, random: Random): () => void {
  const { setImmediate, setTimeout } = globalThis
  const { random: realRandom } = Math
  Math.random = () => random.unit()
  globalThis.setImmediate = ((act: () => void) => {
    const actor = currentActor()
    return actor === undefined ? scheduler.after(0, act) : actor.after(0, act)
  }) as unknown as typeof setImmediate
  globalThis.setTimeout = (() => {
    throw new Error('a native timer was asked for inside a simulation')
  }) as unknown as typeof setTimeout
  tellTurnsApart(() => currentActor()?.turns)
  return () => {
    tellTurnsApart(() => undefined)
    Object.assign(globalThis, { setImmediate, setTimeout })
    Math.random = realRandom
  }
}
