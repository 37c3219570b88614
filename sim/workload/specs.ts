/**
 * Specs: jobs and verbs, drawn from what a seed uses.
 */
import type { ControlVerb, Dependency, JobSpec, LimitUse, ProfileOptions } from '../../src/client/types.ts'
import type { Requirements } from '../../src/core/model/requirements.ts'
import type { Tag } from '../invariants/history.ts'
import type { Random } from '../random.ts'
import type { Feature, Swarm } from '../swarm.ts'
import { KINDS, QUEUES } from '../world/worker.ts'
import { type FlowInput, RUN_OPTIONS } from './play.ts'
import { CURRENT, drawVersion } from './versions.ts'

/** Longer than native timers take. */
const LONG_MS = 2 ** 31 + 86_400_000

/** What jobs may need; the first worker of every world has it all. */
const REQUIREMENTS: readonly Requirements[] = [
  { cpus: 1 },
  { cpus: 2, memory: 1 },
  { cpus: 3 },
  { memory: 2 },
  { labels: ['here'] },
  { labels: ['every*'], cpus: 1 },
  { hosts: ['!worker-2*'] },
]

export class Specs {
  readonly #swarm: Swarm
  readonly #options: readonly ProfileOptions[]

  constructor(random: Random, swarm: Swarm) {
    this.#swarm = swarm
    this.#options = [0, 1, 2].map(() => this.#drawOptions(random))
  }

  #uses(feature: Feature, random: Random, probability: number): boolean {
    return this.#swarm.features.includes(feature) && random.chance(probability)
  }

  #drawOptions(random: Random): ProfileOptions {
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
    const requires = this.#uses('placement', random, 0.7) ? { requires: random.pick(REQUIREMENTS) } : {}
    return {
      ...requires,
      retry: { attempts, minMs: backoffMs, maxMs: backoffMs * 20, on: random.chance(0.9) ? 'any' : 'lost' },
      timeouts: { heartbeatMs, graceMs: random.magnitude(10, 5_000), ...timeouts },
      retention,
      weight: random.pick([1, 1, 3]),
    }
  }

  /** The jobs of one call. */
  call(number: number, known: readonly number[], random: Random): JobSpec[] {
    const count = random.pick([1, 1, 1, 2, 3, 8])
    return Array.from({ length: count }, (_, index) => this.#job(number, index, known, random))
  }

  #job(call: number, index: number, known: readonly number[], random: Random): JobSpec {
    const filler = this.#uses('largeValues', random, 0.1) ? { filler: 'x'.repeat(3_000) } : {}
    const input: Tag = { call, index, ...filler }
    const isGroup = this.#uses('groups', random, 0.15)
    const isFlow = !isGroup && this.#uses('workflows', random.fork('flow'), 0.35)
    const kind = isGroup ? {} : { kind: random.pick(KINDS) }
    const queue = random.pick(QUEUES)
    const options = random.pick(this.#options)
    return {
      ...(isFlow ? this.#flow(input, random.fork('version')) : { input, ...kind, options }),
      queue,
      ...(this.#uses('fairness', random, 0.3) ? { namespace: random.pick(['default', 'tenant']) } : {}),
      ...(this.#uses('fairness', random, 0.5) ? { fairKey: random.pick(['a', 'b', 'c']) } : {}),
      ...(this.#uses('priorities', random, 0.5) ? { priority: random.integer(-2, 2) } : {}),
      ...this.#time(random),
      ...this.#keys(random),
      ...(this.#uses('limits', random, 0.5) ? { limits: this.#limits(random) } : {}),
      ...(this.#uses('dependencies', random, 0.5) || isGroup
        ? { after: this.#after(index, known, random) }
        : {}),
      ...(this.#uses('placement', random, 0.5) ? { hint: { durationMs: random.integer(0, 3) } } : {}),
      ...(this.#uses('metadata', random, 0.5)
        ? { metadata: { tag: random.pick(['x', 'y']), n: String(call) } }
        : {}),
    }
  }

  /** A run of the program that has the name of its place. */
  #flow(tag: Tag, random: Random): Pick<JobSpec, 'kind' | 'input' | 'options'> {
    const { heartbeatMs, retentionMs, features } = this.#swarm
    const retention = features.includes('retention')
      ? { succeededMs: retentionMs, failedMs: retentionMs, cancelledMs: retentionMs }
      : {}
    const input: Tag & FlowInput = { ...tag, flow: `${tag.call}.${tag.index}`, round: 0 }
    const requires = features.includes('versions') ? { requires: { labels: [drawVersion(random)] } } : {}
    return {
      kind: 'flow',
      input,
      options: { ...RUN_OPTIONS, timeouts: { heartbeatMs }, retention, ...requires },
    }
  }

  #time(random: Random): Partial<Record<'delayMs', number>> {
    if (this.#uses('longDelays', random, 0.1)) return { delayMs: LONG_MS }
    return this.#uses('delays', random, 0.4) ? { delayMs: random.magnitude(1, this.#swarm.durationMs) } : {}
  }

  #keys(random: Random): Pick<JobSpec, 'key' | 'onConflict' | 'keyWindowMs' | 'unique'> {
    const onConflict = random.pick(['use-existing', 'replace', 'refuse'] as const)
    return {
      ...(this.#uses('keys', random, 0.3)
        ? {
            key: `key-${random.integer(1, 12)}`,
            onConflict,
            ...(random.chance(0.3) ? { keyWindowMs: random.magnitude(1_000, 3_600_000) } : {}),
          }
        : {}),
      ...(this.#uses('uniqueness', random, 0.2)
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

  #limits(random: Random): LimitUse[] {
    const keys = ['disk', 'licence', 'tenant'].filter(() => random.chance(0.5))
    const max = (): number =>
      random.chance(0.9) ? this.#swarm.limitMax : random.integer(1, this.#swarm.limitMax + 1)
    return keys.map((key) => ({ key, max: max() }))
  }

  #after(index: number, known: readonly number[], random: Random): Dependency[] {
    const policy = (): Pick<Dependency, 'onFailure'> => ({
      onFailure: random.pick(['fail', 'cancel', 'run'] as const),
    })
    const after: Dependency[] = []
    for (let i = 0; i < index; i++) if (random.chance(0.5)) after.push({ index: i, ...policy() })
    for (const job of known.slice(-10)) if (random.chance(0.15)) after.push({ job, ...policy() })
    return after
  }

  /** Something to do to a job. */
  verb(random: Random): ControlVerb {
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
        repin: this.#swarm.features.includes('versions') ? 5 : 0,
      })
    ) {
      case 'cancel':
        return { verb: 'cancel', ...(random.chance(0.5) ? { graceMs: random.magnitude(1, 5_000) } : {}) }
      case 'snooze':
        return { verb: 'snooze', delayMs: random.magnitude(1, 600_000) }
      case 'reprioritize':
        return { verb: 'reprioritize', priority: random.integer(-3, 3) }
      case 'repin':
        return { verb: 'repin', version: CURRENT }
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
