/** Readers of a stream that do not keep up: what they cost, and what they are told. */
import { expect, it } from 'vitest'
import { Faulty } from '../../engine/testdata/faulty.ts'

it('tells a reader that is too far behind so, and keeps no more for it; others hear everything', async () => {
  const { client } = await Faulty.open()
  const jobs = (count: number) => Array.from({ length: count }, () => ({ kind: 'k' }))
  const slow = client.watch({})[Symbol.asyncIterator]()
  const stop = new AbortController()
  let heard = 0
  const quick = (async () => {
    for await (const { state } of client.watch({}, stop.signal)) {
      if (state === 'ready') heard++
      if (heard === 21_000) return
    }
  })()
  for (let i = 0; i < 3; i++) await client.enqueue(jobs(7_000))
  await quick
  let read = 0
  const rest = (async () => {
    while ((await slow.next()).done !== true) read++
  })()
  await expect(rest).rejects.toMatchObject({ code: 'OVERLOADED' })
  // the news that were too many were taken in whole, those after them not at all
  expect(read).toBe(14_000)
  await client.close()
})
