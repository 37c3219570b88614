/**
 * A workflow: an order that is paid, reserved, approved by a person and shipped. What was done is undone when the order
 * is declined or cancelled. The program is ended while an order waits, and begun again: nothing is done twice.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { open } from '../../src/index.ts'
import { order, ship } from './definitions.ts'

const orders = {
  approved: { item: 'lamp', card: '4242' },
  declined: { item: 'chair', card: '1881' },
  cancelled: { item: 'table', card: '5100' },
}

/** One life of the program. The key of an order leads to its run, in every life. */
async function begin() {
  const app = await open('sqlite:orders.db')
  app.work([order, ship])
  const place = (key: keyof typeof orders) => app.enqueue(order, orders[key], { key })
  const runs = [await place('approved'), await place('declined'), await place('cancelled')] as const
  return { app, runs }
}

console.log('the first life')
{
  const { app, runs } = await begin()
  // a run that waits is suspended: it takes no worker, and next to no memory
  for (const run of runs) while ((await run.status()).state !== 'suspended') await delay(10)
  await app.close()
}

console.log('the second life')
const { app, runs } = await begin()
const [approved, declined, cancelled] = runs
await approved.signal('approved', true)
console.log('approved:', await approved.result())
await declined.signal('approved', false)
console.log('declined:', (await declined.wait()).error?.message)
await cancelled.cancel({ reason: 'the customer changed their mind' })
console.log('cancelled:', (await cancelled.wait()).error?.message)
await app.close()
