/**
 * Specs: jobs and verbs, drawn from what a seed uses.
 */
import type { ControlVerb, Dependency, JobSpec, LimitUse, ProfileOptions } from '../../src/client/types.ts'
import type { Tag } from '../invariants/history.ts'
import type { Random } from '../random.ts'
import type { Feature, Swarm } from '../swarm.ts'
import { KINDS, QUEUES } from '../world/worker.ts'

/** Longer than native timers take. */
const LONG_MS = 2 ** 31 + 86_400_000

export class Specs {
  readonly #random: Random
  readonly #swarm: Swarm
  readonly #options: readonly ProfileOptions[]

  constructor(random: Random, swarm: Swarm) {
    this.#random = random
    this.#swarm = swarm
    this.#options = [0, 1, 2].map(() => this.#drawOptions())
  }

  #uses(feature: Feature, probability: number): boolean {
    return this.#swarm.features.includes(feature) && this.#random.chance(probability)
  }

  #drawOptions(): ProfileOptions {
    const random = this.#random
    const { attempts, backoffMs, heartbeatMs, retentionMs, workMs } = this.#swarm
    const retention = this.#swarm.features.includes('retention')
      ? { succeededMs: retentionMs, failedMs: retentionMs * 2, cancelledMs: retentionMs }
      : {}
    const timeouts = this.#swarm.features.includes('timeouts')
      ? {
          startToCloseMs: random.chance(0.5) ? workMs * 3 : 0,
          scheduleToStartMs: random.chance(0.3) ? workMs * 20 : 0,
          scheduleToCloseMs: random.chance(0.3) ? workMs * 50 : 0,
        }
      : {}
    return {
      retry: { attempts, minMs: backoffMs, maxMs: backoffMs * 20, on: random.chance(0.9) ? 'any' : 'lost' },
      timeouts: { heartbeatMs, graceMs: random.magnitude(10, 5_000), ...timeouts },
      retention,
      weight: random.pick([1, 1, 3]),
    }
  }

  /** The jobs of one call. */
  call(number: number, known: readonly number[]): JobSpec[] {
    const count = this.#random.pick([1, 1, 1, 2, 3, 8])
    return Array.from({ length: count }, (_, index) => this.#job(number, index, known))
  }

  #job(call: number, index: number, known: readonly number[]): JobSpec {
    const random = this.#random
    const filler = this.#uses('largeValues', 0.1) ? { filler: 'x'.repeat(3_000) } : {}
    const input: Tag = { call, index, ...filler }
    const isGroup = this.#uses('groups', 0.15)
    return {
      input,
      ...(isGroup ? {} : { kind: random.pick(KINDS) }),
      queue: random.pick(QUEUES),
      options: random.pick(this.#options),
      ...(this.#uses('fairness', 0.3) ? { namespace: random.pick(['default', 'tenant']) } : {}),
      ...(this.#uses('fairness', 0.5) ? { fairKey: random.pick(['a', 'b', 'c']) } : {}),
      ...(this.#uses('priorities', 0.5) ? { priority: random.integer(-2, 2) } : {}),
      ...this.#time(),
      ...this.#keys(),
      ...(this.#uses('limits', 0.5) ? { limits: this.#limits() } : {}),
      ...(this.#uses('dependencies', 0.5) || isGroup ? { after: this.#after(index, known) } : {}),
      ...(this.#uses('metadata', 0.5) ? { metadata: { tag: random.pick(['x', 'y']), n: String(call) } } : {}),
    }
  }

  #time(): Partial<Record<'delayMs', number>> {
    if (this.#uses('longDelays', 0.1)) return { delayMs: LONG_MS }
    return this.#uses('delays', 0.4) ? { delayMs: this.#random.magnitude(1, this.#swarm.durationMs) } : {}
  }

  #keys(): Pick<JobSpec, 'key' | 'onConflict' | 'keyWindowMs' | 'unique'> {
    const random = this.#random
    const onConflict = random.pick(['use-existing', 'replace', 'refuse'] as const)
    return {
      ...(this.#uses('keys', 0.3)
        ? {
            key: `key-${random.integer(1, 12)}`,
            onConflict,
            ...(random.chance(0.3) ? { keyWindowMs: random.magnitude(1_000, 3_600_000) } : {}),
          }
        : {}),
      ...(this.#uses('uniqueness', 0.2)
        ? {
            unique: {
              value: `value-${random.integer(1, 6)}`,
              scope: random.pick(['live', 'for'] as const),
              forMs: 60_000,
              onConflict: random.pick(['use-existing', 'replace', 'refuse'] as const),
            },
          }
        : {}),
    }
  }

  #limits(): LimitUse[] {
    const keys = ['disk', 'licence', 'tenant'].filter(() => this.#random.chance(0.5))
    const max = (): number =>
      this.#random.chance(0.9) ? this.#swarm.limitMax : this.#random.integer(1, this.#swarm.limitMax + 1)
    return keys.map((key) => ({ key, max: max() }))
  }

  #after(index: number, known: readonly number[]): Dependency[] {
    const random = this.#random
    const policy = (): Pick<Dependency, 'onFailure'> => ({
      onFailure: random.pick(['fail', 'cancel', 'run'] as const),
    })
    const after: Dependency[] = []
    for (let i = 0; i < index; i++) if (random.chance(0.5)) after.push({ index: i, ...policy() })
    for (const job of known.slice(-10)) if (random.chance(0.15)) after.push({ job, ...policy() })
    return after
  }

  verb(): ControlVerb {
    const random = this.#random
    switch (
      random.weighted({
        cancel: 5,
        restart: 4,
        expedite: 3,
        hold: 2,
        release: 2,
        delete: 2,
        snooze: 2,
        reprioritize: 2,
      })
    ) {
      case 'cancel':
        return { verb: 'cancel', ...(random.chance(0.5) ? { graceMs: random.magnitude(1, 5_000) } : {}) }
      case 'snooze':
        return { verb: 'snooze', delayMs: random.magnitude(1, 600_000) }
      case 'reprioritize':
        return { verb: 'reprioritize', priority: random.integer(-3, 3) }
      case 'restart':
        return { verb: 'restart' }
      case 'expedite':
        return { verb: 'expedite' }
      case 'hold':
        return { verb: 'hold' }
      case 'release':
        return { verb: 'release' }
      case 'delete':
        return { verb: 'delete' }
    }
  }
}
