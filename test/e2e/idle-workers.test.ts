/**
 * Many workers that have nothing to do.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Lease } from '../../src/client/client.ts'
import { Channel } from '../../src/client/remote/channel.ts'
import { nodeDoor } from '../../src/client/remote/dial-node.ts'
import { job } from '../../src/index.ts'
import { NodeBehindProxy } from './testdata/node-behind-proxy.ts'

let world: NodeBehindProxy

beforeEach(async () => {
  world = await NodeBehindProxy.start()
})
afterEach(() => world.close())

const slow = job('slow')

describe('a thousand workers that have nothing to do', () => {
  const WORKERS = 1_000
  /** What the node may take for them, MB: much of it is what the collector leaves. The bench measures how much it really is. */
  const MOST_MB = 200

  it('take little memory, and the first job goes to one of them', async () => {
    const app = await world.connect(world.node.url)
    await app.client.position()
    const before = world.residentMb()
    const stop = new AbortController()
    const got: Lease[] = []
    const polls: Promise<unknown>[] = []
    // as workers of Perdure do, without the thread of each that keeps its leases
    const join = async (number: number): Promise<void> => {
      const channel = new Channel(nodeDoor({ url: world.node.url }))
      world.cleanUp(() => channel.close())
      const worker = { name: `idle-${number}`, host: 'a.example', pid: number + 1, instance: String(number) }
      const session = await channel.callAgain('openWorker', () => [worker, { held: [] }])
      const request = { queues: ['default'], kinds: ['slow'], slots: 1 }
      const options = { signal: stop.signal, onAbort: 'await' } as const
      const poll = channel.call('session.poll', [session, request], options) as Promise<Lease[]>
      polls.push(poll.then((leases) => got.push(...leases)))
    }
    for (let number = 0; number < WORKERS; number += 10)
      await Promise.all(Array.from({ length: 10 }, (_, index) => join(number + index)))
    expect((await app.client.workers()).length).toBe(WORKERS)
    const grown = world.residentMb() - before
    expect(grown).toBeLessThan(MOST_MB)
    const { id } = await app.enqueue(slow, 1)
    await Promise.race(polls)
    expect(got).toMatchObject([{ job: id, attempt: 1 }])
    stop.abort()
    await Promise.all(polls)
    expect(got).toHaveLength(1)
  })
})
