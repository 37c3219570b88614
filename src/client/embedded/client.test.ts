/** Ends of jobs that are deleted while somebody reads them. */
import { expect, it, vi } from 'vitest'
import { Faulty } from '../../engine/testdata/faulty.ts'
import type { Lease } from '../client.ts'

it('a job that is deleted while its large result is read is not there, rather than without a result', async () => {
  const { client, engine } = await Faulty.open()
  await client.enqueue([{ kind: 'send' }])
  const worker = await client.openWorker({ name: 'one', host: 'here', pid: 1 })
  const [lease] = await worker.poll({ kinds: ['send'], queues: ['default'], slots: 1 })
  const { job, token } = lease as Lease
  const result = 'x'.repeat(100_000)
  await worker.report([{ token, outcome: { type: 'succeeded', result } }])
  expect(await client.wait(job)).toMatchObject({ result })
  const { payload } = engine.reads
  vi.spyOn(engine.reads, 'payload').mockImplementationOnce(async (...asked) => {
    await client.control(job, { verb: 'delete' })
    return payload(...asked)
  })
  await expect(client.wait(job)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
