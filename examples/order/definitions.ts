/**
 * The order: what it does to the world, and the workflow that does it.
 */
import { fatal, job, workflow } from '../../src/index.ts'

/** What the code did to the world; a real one would call a bank and a warehouse. */
const say = (what: string): string => {
  console.log(`  ${what}`)
  return what
}

/** What is ordered, and who pays. */
export interface Order {
  readonly item: string
  readonly card: string
}

export const ship = job('ship', { run: (item: string) => say(`ship the ${item}`) })

export const order = workflow('order', {
  run: async (flow, { item, card }: Order) => {
    // `key` is the same for every try of this step, and for no other: the bank can tell a second try from a second order.
    await flow.step('charge', ({ key }) => say(`charge card ${card} (key ${key})`), {
      undo: () => say(`refund card ${card}`),
    })
    await flow.step('reserve', () => say(`reserve the ${item}`), {
      undo: () => say(`put the ${item} back`),
    })
    const isApproved = await flow.signal<boolean>('approved', { timeout: '3d' })
    if (isApproved !== true) throw fatal(`the order of the ${item} was declined`)
    await flow.call(ship, item)
    return `the ${item} is on its way`
  },
})
