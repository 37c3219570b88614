import { describe, expect, it } from 'vitest'
import type { Outcome } from '../core/model/outcome.ts'
import { fc } from '../std/testdata/properties.ts'
import { SlotGroup, Slots } from './slots.ts'
import { executor, startWorker } from './testdata/fake-session.ts'
import { settle } from './testdata/test-time.ts'

function slots(limits: number[], total: number): Slots {
  return new Slots(
    limits.map((limit, index) => new SlotGroup([`q${index}`], limit)),
    total,
  )
}

/** Asks what was planned. */
function ask(all: Slots, now: number): number[] {
  const { asks } = all.plan(now)
  for (const { group, slots } of asks) {
    group.asked = slots
    group.askedAt = now
  }
  return all.groups.map((group) => asks.find((one) => one.group === group)?.slots ?? 0)
}

describe('plan', () => {
  it.each<[number[], number, number[]]>([
    [[10], 10, [10]],
    [[10, 5], 15, [10, 5]],
    [[50, 1], 51, [50, 1]],
    [[10, 10], 10, [5, 5]],
    [[100, 1, 1], 30, [28, 1, 1]],
    [[5, 5, 5], 2, [1, 1, 0]],
  ])('shares among groups of %j with %d in all', (limits, total, asked) => {
    expect(ask(slots(limits, total), 0)).toEqual(asked)
  })

  it('calls back a question that waits in vain while another group has work', () => {
    const all = slots([10, 10], 10)
    ask(all, 0)
    const [busy, idle] = all.groups as [SlotGroup, SlotGroup]
    // its five came at once
    busy.asked = 0
    busy.taken = 5
    expect(all.plan(1)).toMatchObject({ asks: [], recall: undefined, lookAgainAt: 5 })
    expect(all.plan(6).recall).toBe(idle)
    idle.asked = 0
    idle.modest = true
    expect(ask(all, 7)).toEqual([4, 1])
  })

  it('lets groups take turns where there are fewer slots than groups', () => {
    const all = slots([5, 5, 5], 1)
    const turns: string[] = []
    for (let now = 0; turns.length < 6; now += 10) {
      const { asks, recall } = all.plan(now)
      for (const { group, slots: asked } of asks) {
        group.asked = asked
        group.askedAt = now
        turns.push(group.queues[0] as string)
      }
      if (recall !== undefined) {
        recall.asked = 0
        recall.modest = true
      }
    }
    expect(new Set(turns.slice(0, 3)).size).toBe(3)
    expect(new Set(turns.slice(3, 6)).size).toBe(3)
  })

  it('never exceeds a limit or the total, and never lets free slots lie while somebody wants them', () => {
    const action = fc.record({
      which: fc.nat(7),
      slots: fc.nat(20),
      kind: fc.constantFrom('grant', 'end', 'empty'),
    })
    const limits = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(
        limits,
        fc.integer({ min: 1, max: 60 }),
        fc.array(action, { maxLength: 60 }),
        (sizes, total, actions) => {
          const all = slots(sizes, total)
          let now = 0
          for (const { which, slots: count, kind } of actions) {
            now += 1
            const group = all.groups[which % sizes.length] as SlotGroup
            if (kind === 'end') group.taken = Math.max(0, group.taken - count)
            if (kind === 'grant' && group.asked > 0) {
              group.taken += Math.min(count, group.asked)
              group.asked = 0
            }
            if (kind === 'empty') group.asked = 0
            ask(all, now)
            const used = all.groups.reduce((sum, { taken, asked }) => sum + taken + asked, 0)
            expect(used).toBeLessThanOrEqual(total)
            for (const { taken, asked, limit } of all.groups) expect(taken + asked).toBeLessThanOrEqual(limit)
            const hungry = all.groups.filter(({ taken, asked, limit }) => asked === 0 && taken < limit)
            if (all.free > 0) expect(hungry).toEqual([])
          }
        },
      ),
    )
  })
})

describe('a worker with queues of their own', () => {
  const held: ((outcome: Outcome) => void)[] = []
  const hold = () => new Promise<Outcome>((resolve) => held.push(resolve))

  it('never runs more than a queue may', async () => {
    const { worker, session } = startWorker(hold, { queues: { a: 2, b: 1 } })
    session.offer(5, { queue: 'a' })
    session.offer(5, { queue: 'b' })
    await settle()
    expect(worker.running).toBe(3)
    expect(session.backlog).toBe(7)
    for (const end of held.splice(0)) end({ type: 'succeeded' })
    await settle()
    expect(worker.running).toBe(3)
    expect(session.ended.size).toBe(3)
    while (session.ended.size < 10) {
      for (const end of held.splice(0)) end({ type: 'succeeded' })
      await settle()
    }
    await worker.stop()
  })

  it('uses all slots for one queue, and still starts work of the other soon', async () => {
    const { worker, session, time } = startWorker(hold, { queues: { a: 10, b: 10 }, concurrency: 10 })
    session.offer(20, { queue: 'a' })
    await time.advance(50)
    // one slot is kept for the other
    expect(worker.running).toBe(9)
    session.offer(1, { queue: 'b' })
    await time.advance(50)
    expect(worker.running).toBe(10)
    while (session.ended.size < 21) {
      for (const end of held.splice(0)) end({ type: 'succeeded' })
      await time.advance(50)
    }
    await worker.stop()
  })

  it('serves every queue though there is one slot for all', async () => {
    const { worker, session, time } = startWorker(() => ({ type: 'succeeded' }), {
      executors: { work: executor(() => ({ type: 'succeeded' })) },
      queues: { a: 1, b: 1, c: 1 },
      concurrency: 1,
    })
    await time.advance(500)
    for (const queue of ['c', 'b', 'a']) session.offer(2, { queue })
    await time.advance(2_000)
    expect(session.ended.size).toBe(6)
    await worker.stop()
  })
})
