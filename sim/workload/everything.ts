/**
 * Everything: a short script in which every command of the core comes up, for those who want to try something at
 * each moment of it.
 */
import type { ControlVerb, JobSpec } from '../../src/client/types.ts'
import type { Tag } from '../invariants/history.ts'
import { Random } from '../random.ts'
import type { Scheduler } from '../world/scheduler.ts'
import type { World } from '../world/world.ts'
import type { Caller } from './caller.ts'
import { type FlowInput, RUN_OPTIONS } from './play.ts'
import { EVERYTHING, EVERYTHING_SIGNAL } from './program.ts'

const OPTIONS = {
  retry: { attempts: 3, minMs: 200, maxMs: 1_000 },
  timeouts: { heartbeatMs: 1_000, graceMs: 100 },
}
const LATE = { ...OPTIONS, timeouts: { ...OPTIONS.timeouts, scheduleToStartMs: 1_500 } }

const input = (call: number, flow: string): Tag & FlowInput => ({ call, index: 0, flow, round: 0 })

/** Schedules the script. Everything in it has happened after four virtual seconds. */
export function playEverything(world: World, scheduler: Scheduler): void {
  const [caller, other] = world.callers as [Caller, Caller]
  const random = new Random('everything')
  const at = (ms: number, who: Caller, act: () => void): void => {
    scheduler.after(ms, () => who.actor.run(act))
  }
  const job = (call: number, index: number, spec: JobSpec = {}): JobSpec => ({
    kind: 'plain',
    queue: 'default',
    options: OPTIONS,
    input: { call, index } satisfies Tag,
    ...spec,
  })
  const control = (ms: number, position: number, verb: ControlVerb): void => {
    at(ms, other, () => {
      const id = world.known[position]
      if (id !== undefined) other.control(id, verb)
    })
  }
  const limits = [
    { key: 'disk', max: 1 },
    { key: 'licence', max: 2 },
  ]
  const chain: JobSpec[] = [
    job(0, 0, { limits, key: 'key-1', metadata: { tag: 'x' } }),
    job(0, 1, { limits }),
    job(0, 2, { after: [{ index: 0 }, { index: 1, onFailure: 'run' }] }),
    job(0, 3, { kind: 'broken' }),
  ]
  const { kind: _, ...group } = job(1, 1, { after: [{ index: 0, onFailure: 'cancel' }] })
  at(50, caller, () => caller.pause('other', true))
  at(100, caller, () => caller.submit(0, chain, random))
  at(200, other, () => other.submit(1, [job(1, 0, { delayMs: 1_000 }), group], random))
  at(250, caller, () => caller.submit(2, [job(2, 0, { queue: 'other', options: LATE })], random))
  at(300, other, () =>
    other.submit(3, [job(3, 0, { delayMs: 60_000 }), job(3, 1, { delayMs: 60_000 })], random),
  )
  at(350, caller, () => {
    const createdAt = caller.actor.clock.now() - 5_000
    caller.import(4, [
      { ...job(4, 0), createdAt, state: 'succeeded' },
      { ...job(4, 1), createdAt, state: 'held' },
      { ...job(4, 2), createdAt, state: 'ready' },
    ])
  })
  // by now the calls before have been answered: positions are those of the ids in order of their answers
  control(600, 6, { verb: 'hold' })
  control(800, 6, { verb: 'release' })
  control(900, 7, { verb: 'snooze', delayMs: 30_000 })
  control(950, 7, { verb: 'reprioritize', priority: -1 })
  control(1_000, 7, { verb: 'expedite' })
  control(1_050, 8, { verb: 'cancel' })
  control(1_300, 8, { verb: 'restart' })
  control(1_350, 9, { verb: 'delete' })
  at(1_400, caller, () =>
    caller.submit(
      5,
      Array.from({ length: 4 }, (_, i) => job(5, i)),
      random,
    ),
  )
  const run = { kind: 'flow', options: { ...OPTIONS, ...RUN_OPTIONS } }
  at(1_410, other, () => other.submit(6, [job(6, 0, { ...run, input: input(6, EVERYTHING) })], random))
  at(1_430, other, () => other.signal(world.known.at(-1) ?? 0, `signal-${EVERYTHING_SIGNAL}`))
  scheduler.after(1_450, () => world.workers[1]?.crash(500))
  at(3_000, caller, () => caller.pause('other', false))
}
