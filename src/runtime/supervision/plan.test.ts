import { describe, expect, it } from 'vitest'
import { fc } from '../../std/testdata/properties.ts'
import { type Action, type Restart, type Strategy, SupervisionPlan } from './plan.ts'

const NO_WAIT = { most: 100, firstMs: 0 }

/** Everything that the plan wants now, as text. */
function all(plan: SupervisionPlan, now = 0): string[] {
  const texts: string[] = []
  for (let action = plan.next(now); action !== undefined; action = plan.next(now)) texts.push(textOf(action))
  return texts
}

function textOf(action: Action): string {
  return action.type === 'end' ? `end ${action.why}` : `${action.type} ${action.child}`
}

function started(strategy: Strategy, restarts: readonly Restart[], budget = NO_WAIT): SupervisionPlan {
  const plan = new SupervisionPlan(strategy, restarts, budget)
  expect(all(plan)).toEqual(restarts.map((_, index) => `start ${index}`))
  return plan
}

const THREE: readonly Restart[] = ['permanent', 'permanent', 'permanent']

describe('a failure of the middle one', () => {
  it.each([
    ['one-for-one', [], ['start 1']],
    ['rest-for-one', [2], ['start 1', 'start 2']],
    ['one-for-all', [2, 0], ['start 0', 'start 1', 'start 2']],
  ] as const)('%s', (strategy, stopped, restarted) => {
    const plan = started(strategy, THREE)
    plan.exited(1, true, 0, 0)
    for (const child of stopped) {
      expect(all(plan)).toEqual([`stop ${child}`])
      plan.exited(child, false, 0, 0)
    }
    expect(all(plan)).toEqual(restarted)
  })

  it('is followed by nothing before its wait is over', () => {
    const plan = started('rest-for-one', THREE, { most: 5, firstMs: 100 })
    plan.exited(1, true, 1_000, 0.5)
    expect(all(plan, 1_000)).toEqual(['stop 2'])
    expect(plan.wakeAt).toBe(Number.POSITIVE_INFINITY)
    plan.exited(2, false, 1_010, 0)
    expect(plan.wakeAt).toBe(1_075)
    expect(all(plan, 1_074)).toEqual([])
    expect(all(plan, 1_075)).toEqual(['start 1', 'start 2'])
  })
})

describe('which ends are followed by a start', () => {
  it.each([
    ['permanent', false, ['start 0']],
    ['permanent', true, ['start 0']],
    ['transient', false, ['end done']],
    ['transient', true, ['start 0']],
    ['temporary', false, ['end done']],
    ['temporary', true, ['end done']],
  ] as const)('%s, failed: %s', (restart, hasFailed, then) => {
    const plan = started('one-for-one', [restart])
    plan.exited(0, hasFailed, 0, 0)
    expect(all(plan)).toEqual(then)
  })

  it('a transient one that was stopped for others comes back, a temporary one does not', () => {
    const plan = started('one-for-all', ['permanent', 'transient', 'temporary'])
    plan.exited(0, true, 0, 0)
    for (const child of [2, 1]) {
      expect(all(plan)).toEqual([`stop ${child}`])
      plan.exited(child, false, 0, 0)
    }
    expect(all(plan)).toEqual(['start 0', 'start 1'])
    expect(plan.states).toEqual(['running', 'running', 'ended'])
  })
})

it('too many failures end everything, in the opposite order, and say so', () => {
  const plan = started('one-for-one', THREE, { most: 1, firstMs: 0 })
  plan.exited(0, true, 0, 0)
  expect(all(plan)).toEqual(['start 0'])
  plan.exited(1, true, 0, 0)
  expect(all(plan)).toEqual(['stop 2'])
  plan.exited(2, false, 0, 0)
  expect(all(plan)).toEqual(['stop 0'])
  plan.exited(0, true, 0, 0)
  expect(all(plan)).toEqual(['end failed'])
  expect(plan.wakeAt).toBe(Number.POSITIVE_INFINITY)
})

it('a stop while one waits for its start ends it without starting it', () => {
  const plan = started('one-for-one', THREE, { most: 5, firstMs: 1_000 })
  plan.exited(1, true, 0, 0)
  plan.stop()
  for (const child of [2, 0]) {
    expect(all(plan)).toEqual([`stop ${child}`])
    plan.exited(child, false, 0, 0)
  }
  expect(all(plan, 10_000)).toEqual(['end stopped'])
  expect(all(plan, 20_000)).toEqual([])
})

it('keeps its order and ends exactly once, whatever happens', () => {
  const event = fc.record({
    child: fc.nat(3),
    hasFailed: fc.boolean(),
    step: fc.integer({ min: 0, max: 500 }),
    stops: fc.nat(12).map((number) => number === 0),
  })
  const strategies = fc.constantFrom<Strategy>('one-for-one', 'one-for-all', 'rest-for-one')
  const restarts = fc.array(fc.constantFrom<Restart>('permanent', 'transient', 'temporary'), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(strategies, restarts, fc.array(event, { maxLength: 80 }), (strategy, kinds, events) => {
      const plan = new SupervisionPlan(strategy, kinds, { most: 6, halfLifeMs: 300, firstMs: 20 })
      const running = new Set<number>()
      let stopping: number | undefined
      let ends = 0
      let now = 0
      const follow = (): void => {
        for (let action = plan.next(now); action !== undefined; action = plan.next(now)) {
          expect(ends).toBe(0)
          if (action.type === 'end') {
            ends++
            expect(running.size).toBe(0)
          } else if (action.type === 'start') {
            // nothing starts while anything is being stopped, nothing runs twice
            expect(stopping).toBeUndefined()
            expect(running.has(action.child)).toBe(false)
            running.add(action.child)
          } else {
            expect(stopping).toBeUndefined()
            expect(running.has(action.child)).toBe(true)
            stopping = action.child
          }
        }
      }
      follow()
      for (const { child, hasFailed, step, stops } of events) {
        now += step
        if (stops) plan.stop()
        const exiting = running.has(child) ? child : stopping
        if (exiting !== undefined) {
          running.delete(exiting)
          if (stopping === exiting) stopping = undefined
          plan.exited(exiting, hasFailed, now, 0.5)
        }
        follow()
      }
      plan.stop()
      follow()
      while (stopping !== undefined) {
        const child = stopping
        stopping = undefined
        running.delete(child)
        plan.exited(child, false, now, 0)
        follow()
      }
      expect(ends).toBe(1)
      expect(running.size).toBe(0)
    }),
  )
})
