/**
 * Limits: at most two jobs per customer at once, however many slots the worker has. The key is made from the input,
 * and there may be millions of keys.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { draft, job, open } from '../../src/index.ts'

const running = new Map<string, number>()
const most = new Map<string, number>()

const call = job('call', {
  limits: ({ customer }: { customer: string }) => [{ key: `customer:${customer}`, max: 2 }],
  run: async ({ customer }) => {
    const now = (running.get(customer) ?? 0) + 1
    running.set(customer, now)
    most.set(customer, Math.max(most.get(customer) ?? 0, now))
    await delay(20)
    running.set(customer, (running.get(customer) ?? 0) - 1)
  },
})

await using app = await open('memory:')
app.work([call], { concurrency: 20 })

const customers = ['ada', 'bo', 'cy']
const drafts = Array.from({ length: 30 }, (_, index) =>
  draft(call, { customer: customers[index % 3] as string }),
)
const handles = await app.enqueueMany(drafts)
await Promise.all(handles.map((handle) => handle.result()))

for (const customer of customers) {
  console.log(`${customer}: 10 jobs, never more than ${most.get(customer)} at once`)
}
