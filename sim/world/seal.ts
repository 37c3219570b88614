/**
 * Seal: keeps the real world out while a simulation runs. Turns of the event loop, and native timers, become events of
 * the actor that asks for one, and randomness comes from the seed.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { tellTurnsApart } from '../../src/workflow/turns.ts'
import type { Random } from '../random.ts'
import { currentActor } from './actor.ts'
import type { Scheduler } from './scheduler.ts'

/** Seals this process; answers how to open it again. */
export function seal(scheduler: Scheduler, random: Random): () => void {
  const { setImmediate, setTimeout, clearTimeout } = globalThis
  const { random: realRandom } = Math
  const { randomUUID } = crypto
  Math.random = () => random.unit()
  replaceUuids(() => uuidOf(random.nonce()))
  globalThis.setImmediate = ((act: () => void) => {
    const actor = currentActor()
    return actor === undefined ? scheduler.after(0, act) : actor.after(0, act)
  }) as unknown as typeof setImmediate
  globalThis.setTimeout = ((act: () => void, ms: number) => {
    const cancel = currentActor()?.after(ms, act)
    if (cancel === undefined) throw new Error('a native timer was asked for by nobody who is simulated')
    return cancel
  }) as unknown as typeof setTimeout
  globalThis.clearTimeout = ((cancel: () => void) => cancel()) as unknown as typeof clearTimeout
  tellTurnsApart(() => currentActor()?.turns)
  return () => {
    tellTurnsApart(() => undefined)
    Object.assign(globalThis, { setImmediate, setTimeout, clearTimeout })
    Math.random = realRandom
    replaceUuids(randomUUID)
  }
}

type Uuid = ReturnType<typeof crypto.randomUUID>

/** Those who import the function by its name get the other one as well. */
function replaceUuids(make: () => Uuid): void {
  crypto.randomUUID = make
  syncBuiltinESMExports()
}

function uuidOf(hex: string): Uuid {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
