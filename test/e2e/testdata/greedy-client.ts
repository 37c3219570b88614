/**
 * A program that asks the node at PERDURE_URL for many large lists at once, again and again, and says `list` for each.
 */
import { connectNode } from '../../../src/client/remote/dial-node.ts'

const LISTS = 20

const client = await connectNode({ url: process.env.PERDURE_URL as string })
await Promise.all(
  Array.from({ length: LISTS }, async () => {
    for (;;) {
      const { jobs } = await client.list({ limit: 1_000 })
      if (jobs.length !== 1_000) throw new Error(`expected a full list, found ${jobs.length} jobs`)
      process.stderr.write('list\n')
    }
  }),
)
