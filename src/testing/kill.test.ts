/** killAtEveryStep holds for code that keeps to the rules, and says where it does not hold. */
import { expect, it } from 'vitest'
import { fatal, job, workflow } from '../index.ts'
import { killAtEveryStep, stub } from './index.ts'

const ship = job('ship', { run: (item: string): string => `shipped ${item}` })
const effects: string[] = []
const order = workflow('order', {
  run: async (flow, { item, isGood }: { item: string; isGood: boolean }) => {
    const charge = await flow.step('charge', () => effects.push('charge'), {
      undo: () => effects.push('refund'),
    })
    await flow.sleep('2d')
    const approved = await flow.signal<boolean>('approved', { timeout: '3d' })
    if (!isGood) throw fatal('declined')
    const sent = await flow.all([flow.call(ship, item), flow.step('mail', async () => effects.push('mail'))])
    return { paid: charge > 0, approved, sent: sent[0] }
  },
})
const before = () => effects.splice(0)
const approve = ({ run }: { run: { signal(name: string, value: unknown): unknown } }) =>
  run.signal('approved', true)

it('a workflow ends the same wherever it is killed', async () => {
  const ends: unknown[] = []
  const { deaths, end } = await killAtEveryStep(
    order,
    { item: 'lamp', isGood: true },
    {
      work: [stub(ship, (item) => `a stub shipped ${item}`)],
      before,
      during: approve,
      after: (one) => ends.push(one),
    },
  )
  expect(end.result).toEqual({ paid: true, approved: true, sent: 'a stub shipped lamp' })
  expect(deaths).toBeGreaterThan(20)
  expect(ends).toHaveLength(deaths)
})

it('so does one that fails and is undone', async () => {
  const { end } = await killAtEveryStep(
    order,
    { item: 'lamp', isGood: false },
    { work: [ship], before, during: approve, after: () => expect(effects.at(-1)).toBe('refund') },
  )
  expect(end).toMatchObject({ state: 'failed', error: { message: 'declined' } })
})

it('one that keeps what it did in memory does not', async () => {
  let count = 0
  const counter = workflow('counter', {
    run: async (flow) => {
      await flow.step('count', () => 1)
      count++
      await flow.step('again', () => 2)
      return count
    },
  })
  const killing = killAtEveryStep(counter, undefined, {
    before: () => {
      count = 0
    },
  })
  await expect(killing).rejects.toThrow(/killed before operation \d+ of the store/)
})

it('what a test does during a life is not hidden', async () => {
  const failing = killAtEveryStep(
    order,
    { item: 'lamp', isGood: true },
    { during: () => Promise.reject(new Error('oh')) },
  )
  await expect(failing).rejects.toThrow('oh')
})
