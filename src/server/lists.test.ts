/** Lists in parts, and turns. */
import { describe, expect, it } from 'vitest'
import type { Client } from '../client/client.ts'
import type { JobQuery } from '../client/types.ts'
import { listInParts, Turns } from './lists.ts'

/** A client with so many jobs, numbered from 1, whose cursors are numbers; and what it is asked. */
function clientOf(count: number) {
  const asked: JobQuery[] = []
  const list = async (query: JobQuery) => {
    asked.push(query)
    const { limit = 50, cursor = '0' } = query
    const end = Math.min(Number(cursor) + limit, count)
    const jobs = Array.from({ length: end - Number(cursor) }, (_, index) => ({
      id: Number(cursor) + index + 1,
    }))
    return end < count ? { jobs, next: String(end) } : { jobs }
  }
  return { client: { list } as unknown as Client, asked }
}

describe('a list', () => {
  it.each<[limit: number, count: number, parts: number[]]>([
    [120, 1_000, [50, 50, 20]],
    [100, 100, [50, 50]],
    [1_000, 70, [50, 50]],
    [50, 70, [50]],
    [1_001, 70, [1_001]],
  ])('of %i of %i jobs is read in parts of %j, and answers the same as one', async (limit, count, parts) => {
    const { client, asked } = clientOf(count)
    const page = await listInParts(client, { queue: 'q', limit })
    expect(asked.map(({ limit }) => limit)).toEqual(parts)
    expect(asked.every(({ queue }) => queue === 'q')).toBe(true)
    expect(page).toEqual(await clientOf(count).client.list({ limit }))
  })

  it('goes on behind a cursor', async () => {
    const { client } = clientOf(1_000)
    const { jobs, next } = await listInParts(client, { limit: 60, cursor: '100' })
    expect([jobs[0]?.id, jobs.at(-1)?.id, next]).toEqual([101, 160, '160'])
  })
})

describe('turns', () => {
  it('are one at a time, and go around among callers', async () => {
    const turns = new Turns()
    const order: string[] = []
    let underWay = 0
    const take = (caller: string, what: string) =>
      turns.take(caller, async () => {
        underWay += 1
        expect(underWay).toBe(1)
        order.push(what)
        await new Promise((resolve) => setImmediate(resolve))
        underWay -= 1
      })
    const greedy = Array.from({ length: 5 }, (_, index) => take('greedy', `greedy ${index}`))
    await Promise.all([
      ...greedy,
      take('other', 'other 0'),
      take('other', 'other 1'),
      take('third', 'third 0'),
    ])
    expect(order).toEqual([
      ...['greedy 0', 'greedy 1', 'other 0', 'third 0', 'greedy 2', 'other 1', 'greedy 3', 'greedy 4'],
    ])
  })

  it('pass on when one fails', async () => {
    const turns = new Turns()
    const failing = turns.take('a', () => Promise.reject(new Error('no')))
    const next = turns.take('a', async () => 'yes')
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('yes')
    expect(await turns.take('b', async () => 'again')).toBe('again')
  })
})
