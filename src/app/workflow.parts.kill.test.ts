/** Races, locks, bounded maps and late tries of workflows that are killed at every operation of their store. */
import { expect, it } from 'vitest'
import { job, workflow } from '../index.ts'
import { killAtEveryStep } from '../testing/index.ts'

/** A lost attempt is tried again at once. */
const retry = { attempts: 20, min: '1ms', max: '1ms' } as const
const slow = job('slow', { retry, run: () => new Promise<string>(() => {}) })
const double = job('double', { retry, run: (number: number) => 2 * number })

it('a race has the same winner, and its losers are gone', { timeout: 120_000 }, async () => {
  const flow = workflow('flow', {
    retry,
    run: async (flow) => {
      const first = await flow.race([
        flow.call(slow, undefined, { enqueue: { delay: '1h' } }),
        flow.signal<string>('go'),
        flow.sleep('1d'),
      ])
      const second = await flow.race([flow.signal('never'), flow.sleep('1m'), flow.step('now', () => 'now')])
      const doubles = await flow.map([1, 2, 3], (number) => flow.call(double, number), { concurrency: 2 })
      const all = await flow
        .all([flow.sleep('1h'), Promise.reject(new Error('no'))])
        .catch((error) => error.message)
      return { first, second, doubles, all }
    },
  })
  const { end, deaths } = await killAtEveryStep(flow, undefined, {
    work: [slow, double],
    during: ({ run }) => run.signal('go', 'went').catch(() => {}),
    // The race may have been decided by then.
    after: ({ id }) => expect(id).toBe(1),
  })
  expect(end.result).toEqual({ first: 'went', second: 'now', doubles: [2, 4, 6], all: 'no' })
  expect(deaths).toBeGreaterThan(20)
})

it('a lock is given back, and a step is tried again at its time', { timeout: 120_000 }, async () => {
  let tries = 0
  const inner = workflow('inner', {
    retry,
    run: (flow, name: string) =>
      flow.lock('stock', async (own) => {
        await own.sleep('1m')
        return own.step(`take ${name}`, () => name)
      }),
  })
  const flow = workflow('flow', {
    retry,
    run: async (flow) => {
      const taken = await flow.all([flow.call(inner, 'a'), flow.call(inner, 'b')])
      const tried = await flow.lock('stock', (own) =>
        own.step(
          'late',
          ({ attempt }) => {
            tries++
            if (attempt === 1) throw new Error('not yet')
            return 'late'
          },
          { retry: { min: '1h' } },
        ),
      )
      return { taken: taken.toSorted(), tried }
    },
  })
  const { end } = await killAtEveryStep(flow, undefined, {
    work: [inner],
    before: () => {
      tries = 0
    },
  })
  expect(end.result).toEqual({ taken: ['a', 'b'], tried: 'late' })
  expect(tries).toBeGreaterThan(1)
})
