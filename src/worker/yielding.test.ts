import { describe, expect, it } from 'vitest'
import type { Outcome } from '../core/model/outcome.ts'
import type { Attempt, AttemptControl } from '../executors/executor.ts'
import { fc, times } from '../std/testdata/properties.ts'
import { startWorker } from './testdata/fake-session.ts'
import { settle } from './testdata/test-time.ts'

const DONE: Outcome = { type: 'succeeded' }

/** Handlers that a test moves by hand; how many are awake is counted. */
class Stage {
  readonly controls = new Map<number, AttemptControl>()
  readonly #ends = new Map<number, (outcome: Outcome) => void>()
  readonly asleep = new Set<number>()
  most = 0

  readonly run = (attempt: Attempt, control: AttemptControl): Promise<Outcome> => {
    this.controls.set(attempt.job, control)
    return new Promise((resolve) => {
      this.#ends.set(attempt.job, (outcome) => {
        this.#ends.delete(attempt.job)
        this.asleep.delete(attempt.job)
        resolve(outcome)
      })
      control.signal.addEventListener('abort', () => this.asleep.delete(attempt.job))
      this.most = Math.max(this.most, this.awake.length)
    })
  }

  get awake(): number[] {
    return [...this.#ends.keys()].filter((job) => !this.asleep.has(job))
  }

  async yield(job: number): Promise<void> {
    this.asleep.add(job)
    void this.controls
      .get(job)
      ?.giveWay()
      .then(() => {
        this.asleep.delete(job)
        this.most = Math.max(this.most, this.awake.length)
      })
    await settle()
  }

  async end(job: number): Promise<void> {
    this.#ends.get(job)?.(DONE)
    await settle()
  }
}

async function start(concurrency = 1) {
  const stage = new Stage()
  const world = startWorker(stage.run, { concurrency })
  await settle()
  return { stage, ...world }
}

describe('giving way', () => {
  it('lets a more urgent job run first, and goes on after it without a new attempt', async () => {
    const { stage, session, time } = await start()
    session.offer(1, { priority: 5 })
    await settle()
    session.offer(1, { priority: 1 })
    await stage.yield(1)
    expect(stage.awake).toEqual([2])
    // it keeps its lease meanwhile
    await time.advance(60_000)
    expect(session.beats.flat()).toContain('t1')
    expect(session.live).toEqual(new Set(['t1', 't2']))
    await stage.end(2)
    expect(stage.awake).toEqual([1])
    await stage.end(1)
    expect([...session.ended.values()]).toEqual([DONE, DONE])
    expect(stage.most).toBe(1)
  })

  it('goes on at once where nothing is more urgent', async () => {
    const { stage, session } = await start()
    session.offer(1, { priority: 5 })
    await settle()
    session.offer(3, { priority: 5 })
    await stage.yield(1)
    expect(stage.awake).toEqual([1])
    expect(session.backlog).toBe(3)
  })

  it('asks nobody where there are free slots, and not in every turn of a loop', async () => {
    const { stage, session, time } = await start(2)
    session.offer(1)
    await settle()
    const before = session.polls.length
    await stage.yield(1)
    expect(session.polls.length).toBe(before)
    session.offer(1)
    await settle()
    for (let turn = 0; turn < 20; turn++) await stage.yield(1)
    const asked = session.polls.filter(({ below }) => below !== undefined).length
    expect(asked).toBe(1)
    await time.advance(50)
    await stage.yield(1)
    expect(session.polls.filter(({ below }) => below !== undefined)).toHaveLength(2)
  })

  it('comes before new work that is no more urgent than it', async () => {
    const { stage, session } = await start()
    session.offer(1, { priority: 5 })
    await settle()
    session.offer(1, { priority: 1 })
    await stage.yield(1)
    session.offer(1, { priority: 5 })
    await stage.end(2)
    expect(stage.awake).toEqual([1])
    expect(session.backlog).toBe(1)
  })

  it('hears of a stop although it has no slot', async () => {
    const { stage, session } = await start()
    session.offer(1, { priority: 5 })
    await settle()
    session.offer(1, { priority: 1 })
    await stage.yield(1)
    session.notify('t1', 'cancel')
    await settle()
    expect(stage.controls.get(1)?.signal.aborted).toBe(true)
    await stage.end(1)
    await stage.end(2)
    session.offer(1)
    await settle()
    expect(stage.awake).toEqual([3])
  })

  it('survives a question that fails', async () => {
    const { stage, session, errors } = await start()
    session.offer(1, { priority: 5 })
    await settle()
    session.fault = (call) => (call === 'poll' ? { code: 'UNAVAILABLE' } : undefined)
    await stage.yield(1)
    expect(stage.awake).toEqual([1])
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE' }])
  })

  it('is drained like any other attempt', async () => {
    const { stage, session, worker } = await start()
    session.offer(1, { priority: 5 })
    await settle()
    session.offer(1, { priority: 1 })
    await stage.yield(1)
    const stopped = worker.stop()
    await stage.end(2)
    expect(stage.awake).toEqual([1])
    await stage.end(1)
    await stopped
    expect(session.ended.size).toBe(2)
  })

  it('never has more handlers awake than slots, and leaves no slot behind', async () => {
    const step = fc.record({
      act: fc.constantFrom('offer', 'yield', 'end', 'wait' as const),
      which: fc.nat(9),
      priority: fc.integer({ min: 0, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 30 }),
        async (slots, steps) => {
          const { stage, session, time, worker } = await start(slots)
          for (const { act, which, priority } of steps) {
            const job = stage.awake[which % Math.max(1, stage.awake.length)]
            if (act === 'offer') session.offer(1, { priority })
            else if (act === 'wait' || job === undefined) await time.advance(60)
            else if (act === 'yield') await stage.yield(job)
            else await stage.end(job)
            await settle()
            expect(stage.awake.length).toBeLessThanOrEqual(slots)
          }
          for (let rounds = 0; rounds < 60 && (session.backlog > 0 || stage.awake.length > 0); rounds++) {
            for (const job of stage.awake) await stage.end(job)
          }
          expect(stage.asleep.size).toBe(0)
          expect(worker.running).toBe(0)
          // every slot can be used again
          session.offer(slots + 1)
          await settle()
          expect(stage.awake).toHaveLength(slots)
          expect(stage.most).toBeLessThanOrEqual(slots)
        },
      ),
      times(60),
    )
  })
})

describe('other numbers while it works', () => {
  it('more slots are used at once, fewer after what runs has ended', async () => {
    const { stage, session, worker } = await start(2)
    session.offer(6)
    await settle()
    expect(stage.awake).toHaveLength(2)
    worker.configure({ concurrency: 4 })
    await settle()
    expect(stage.awake).toHaveLength(4)
    worker.configure({ concurrency: 1 })
    await settle()
    expect(stage.awake).toHaveLength(4)
    for (const job of [1, 2, 3]) await stage.end(job)
    expect(stage.awake).toEqual([4])
    await stage.end(4)
    expect(stage.awake).toEqual([5])
  })

  it('refuses what makes no sense', async () => {
    const { worker } = await start()
    expect(() => worker.configure({ concurrency: 0 })).toThrow(/concurrency/)
    expect(() => worker.configure({ concurency: 1 } as never)).toThrow(/concurrency/)
  })
})

describe('what a worker says of itself', () => {
  it('at its beginning, when something has changed, and at its end', async () => {
    const { stage, session, time, worker } = await start(3)
    expect(session.told).toMatchObject([
      { state: 'working', slots: 3, kinds: ['work'], queues: ['default'], ended: {} },
    ])
    await time.advance(60_000)
    expect(session.told).toHaveLength(1)
    session.offer(1)
    await settle()
    await stage.end(1)
    await time.advance(5_000)
    expect(session.told).toHaveLength(2)
    expect(session.told[1]).toMatchObject({ ended: { succeeded: 1 } })
    worker.configure({ concurrency: 5 })
    expect(session.told.at(-1)).toMatchObject({ slots: 5 })
    await worker.stop()
    expect(session.told.at(-1)).toMatchObject({ state: 'draining' })
  })
})
