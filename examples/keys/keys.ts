/**
 * Idempotency keys and uniqueness: two ways to make sure that something is enqueued once.
 */
import { job, open, PerdureError } from '../../src/index.ts'

const invoice = job('invoice', { run: ({ order }: { order: number }) => `invoice of order ${order}` })
const refresh = job('refresh', { unique: true, run: (page: string) => `${page} is fresh` })

await using app = await open('memory:')

// a key stands for one call: whoever repeats the call gets the same job
const first = await app.enqueue(invoice, { order: 17 }, { key: 'invoice-17' })
const again = await app.enqueue(invoice, { order: 17 }, { key: 'invoice-17' })
console.log(`same job: ${first.id === again.id}; created: ${first.created}, then ${again.created}`)

// the same key with another body is a mistake, and is refused
try {
  await app.enqueue(invoice, { order: 18 }, { key: 'invoice-17' })
} catch (error) {
  if (!(error instanceof PerdureError)) throw error
  console.log(`another order under that key: ${error.code}`)
}

// a unique job is its own key, while it is live: a page is refreshed once, however often that is wished for
const wishes = await Promise.all([1, 2, 3].map(() => app.enqueue(refresh, '/home')))
console.log(`three wishes, ${new Set(wishes.map(({ id }) => id)).size} job`)

app.work([invoice, refresh])
console.log(await first.result())
console.log(await app.job<string>(wishes[0]?.id ?? 0).result())
const next = await app.enqueue(refresh, '/home')
console.log(`after its end the page can be refreshed again: ${next.created}`)
