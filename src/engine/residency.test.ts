/**
 * Residency: what is in memory never matters. A shard that forgets everything at any moment does what one does
 * that forgets nothing; and a command that stops at any of its reads has changed nothing.
 */

import { expect, it } from 'vitest'
import { Profiles } from '../client/embedded/profiles.ts'
import { readSpec } from '../client/embedded/specs.ts'
import type { JobSpec } from '../client/types.ts'
import type { Command } from '../core/apply.ts'
import type { EnqueueReply } from '../core/commands/enqueue.ts'
import type { JobRow } from '../core/model/job.ts'
import { readyLine } from '../core/model/line.ts'
import { fc, times } from '../std/testdata/properties.ts'
import { Shard } from './testdata/shard.ts'

const profiles = new Profiles()
const START = 1_800_000_000_000

/** A step of a history, in numbers that mean something only beside what came before. */
interface Step {
  readonly type: 'enqueue' | 'lease' | 'report' | 'control' | 'pass' | 'pause' | 'forget'
  readonly a: number
  readonly b: number
  readonly specs: readonly JobSpec[]
}

const spec: fc.Arbitrary<JobSpec> = fc
  .record({
    kind: fc.constantFrom('x', 'y'),
    queue: fc.constantFrom('p', 'q'),
    priority: fc.constantFrom(0, 0, 0, 1),
    delayMs: fc.constantFrom(0, 0, 0, 500, 2_000),
    fairKey: fc.constantFrom('f', 'g', 'h'),
    limits: fc.uniqueArray(fc.constantFrom('l', 'm', 'n'), { maxLength: 3 }),
    max: fc.integer({ min: 1, max: 3 }),
    key: fc.constantFrom(undefined, undefined, 'k1', 'k2'),
    onConflict: fc.constantFrom('replace' as const, 'use-existing' as const),
    unique: fc.constantFrom(undefined, undefined, 'u'),
    after: fc.array(
      fc.record({ index: fc.nat(4), onFailure: fc.constantFrom('fail' as const, 'run' as const) }),
      {
        maxLength: 2,
      },
    ),
    timeout: fc.constantFrom(0, 0, 1_000),
  })
  .map(({ limits, max, key, unique, after, timeout, ...rest }) => ({
    ...rest,
    limits: limits.map((limit) => ({ key: limit, max })),
    after,
    options: OPTIONS[timeout === 0 ? 0 : 1],
    ...(key === undefined ? {} : { key }),
    ...(unique === undefined ? {} : { unique: { value: unique, scope: 'live' as const } }),
  }))

const OPTIONS = [{}, { timeouts: { scheduleToStartMs: 1_000 } }] as const

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom(
    'enqueue',
    'enqueue',
    'lease',
    'lease',
    'report',
    'report',
    'control',
    'pass',
    'pause',
    'forget',
  ),
  a: fc.nat(1_000),
  b: fc.nat(1_000),
  specs: fc.array(spec, { minLength: 1, maxLength: 4 }),
})

/** Plays steps on a shard, and keeps what a caller would know. */
class Player {
  readonly shard: Shard
  readonly answers: unknown[] = []
  readonly #known: number[] = []
  readonly #leased: JobRow[] = []
  #now = START
  #nonces = 0

  constructor(shard: Shard) {
    this.shard = shard
  }

  async play(step: Step, before: (command: Command) => Promise<void> = async () => {}): Promise<void> {
    if (step.type === 'pass') this.#now += step.a * 3
    for (const command of [...this.commands(step), { type: 'due', most: 50 } as const]) {
      await before(command)
      const reply = await this.shard.apply(command, this.#now)
      this.answers.push(reply instanceof Error ? (reply as Error & { code: string }).code : reply)
      if (reply instanceof Error) continue
      if (command.type === 'enqueue') this.#known.push(...(reply as EnqueueReply).ids)
      if (command.type === 'lease') this.#leased.push(...(reply as JobRow[]))
    }
  }

  get now(): number {
    return this.#now
  }

  commands({ type, a, b, specs }: Step): Command[] {
    const job = this.#known[a % Math.max(1, this.#known.length)] ?? 1
    switch (type) {
      case 'enqueue': {
        const jobs = specs.map((one) => {
          const after = (one.after ?? []).filter(({ index }) => (index ?? 0) < specs.length)
          return readSpec({ ...one, after }, specs.length, profiles, this.#now)
        })
        return [{ type: 'enqueue', jobs, request: b % 4 === 0 ? `r${b % 8}` : null }]
      }
      case 'lease': {
        // Class numbers depend on history alone, so both shards have the same.
        const lines = Array.from({ length: 60 }, (_, id) => ({
          ...{ line: readyLine(id), queue: 0, cpus: 0, memory: 0 },
        }))
        const nonce = `n${++this.#nonces}`
        return [{ type: 'lease', lines, worker: `w${b % 2}`, local: false, slots: 1 + (a % 3), nonce }]
      }
      case 'report':
        return this.#report(a, b)
      case 'control':
        return [controlOf(job, b)]
      case 'pause':
        return [{ type: 'pause', queue: a % 2 === 0 ? 'p' : 'q', paused: b % 3 === 0 }]
      case 'pass':
        return this.#known.slice(-5).map((id) => ({ type: 'expire', job: id }))
      default:
        return []
    }
  }

  #report(a: number, b: number): Command[] {
    const [row] = this.#leased.splice(a % Math.max(1, this.#leased.length), 1)
    if (row === undefined) return []
    const error = JSON.stringify({ code: 'X', message: 'y' })
    const failed = {
      type: 'failed',
      error,
      result: null,
      large: false,
      retry: b % 3 !== 0,
      retryAfterMs: 100,
    } as const
    const outcomes = [
      { type: 'succeeded', result: 'null', large: false },
      { ...failed, lost: false },
      { type: 'snoozed', delayMs: 300 },
      { type: 'released' },
      { type: 'cancelled', error },
    ] as const
    const outcome = outcomes[b % outcomes.length] as (typeof outcomes)[number]
    return [
      { type: 'report', job: row.id, attempt: row.attempt, nonce: row.nonce as string, outcome, random: 0.5 },
    ]
  }
}

function controlOf(job: number, b: number): Command {
  const verbs = ['restart', 'expedite', 'hold', 'release', 'delete'] as const
  if (b % 8 === 5)
    return { type: 'control', job, verb: 'cancel', error: '{"code":"CANCELLED"}', insists: b % 16 === 5 }
  if (b % 8 === 6) return { type: 'control', job, verb: 'snooze', delayMs: 700 }
  if (b % 8 === 7) return { type: 'control', job, verb: 'reprioritize', priority: b % 3 }
  return { type: 'control', job, verb: verbs[b % 8] as (typeof verbs)[number] }
}

it('does not depend on what is in memory', async () => {
  const history = fc.array(step, { minLength: 1, maxLength: 40 })
  const property = fc.asyncProperty(history, async (steps) => {
    const [keeping, forgetting] = [new Player(await Shard.open()), new Player(await Shard.open())]
    for (const one of steps) {
      await keeping.play(one)
      await forgetting.play(one)
      if (one.type === 'forget') await forgetting.shard.reopen()
      expect(forgetting.answers.at(-2)).toEqual(keeping.answers.at(-2))
    }
    expect(forgetting.answers).toEqual(keeping.answers)
    expect(await keeping.shard.store.reads.check()).toEqual([])
    expect(await forgetting.shard.store.reads.check()).toEqual([])
    const rows = (shard: Shard) =>
      shard.batches.map(({ epoch: _, ...batch }) => batch.jobs.map(({ after }) => after))
    expect(rows(forgetting.shard)).toEqual(rows(keeping.shard))
  })
  await fc.assert(property, { ...times(400), interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false })
}, 60_000)

it('leaves nothing of a command that stops at any of its reads', async () => {
  const history = fc.array(step, { minLength: 1, maxLength: 12 })
  let stops = 0
  const property = fc.asyncProperty(history, async (steps) => {
    const [plain, stopping] = [new Player(await Shard.open()), new Player(await Shard.open())]
    for (const one of steps) {
      if (one.type === 'forget') await stopping.shard.reopen()
      await plain.play(one)
      await stopping.play(one, async (command) => {
        stops += await stopping.shard.stopAtEveryRead(command, plain.now)
      })
    }
    expect(stopping.answers).toEqual(plain.answers)
    expect(await stopping.shard.store.reads.check()).toEqual([])
  })
  await fc.assert(property, { ...times(60), interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false })
  expect(stops).toBeGreaterThan(1_000)
}, 60_000)

it('makes the same changes of the same commands at the same times', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const [one, other] = [new Player(await Shard.open()), new Player(await Shard.open())]
    for (const player of [one, other]) for (const each of steps) await player.play(each)
    expect(other.shard.batches).toEqual(one.shard.batches)
    expect(other.answers).toEqual(one.answers)
  })
  await fc.assert(property, { ...times(60), interruptAfterTimeLimit: 8_000, markInterruptAsFailure: false })
}, 60_000)
