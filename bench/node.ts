/** Perdure as a node: the server in a process of its own, producer and worker in that of the measurement. */
import { join } from 'node:path'
import { Channel } from '../src/client/remote/channel.ts'
import { nodeDoor } from '../src/client/remote/dial-node.ts'
import { startServer } from './node-process.ts'
import { PerdureSystem } from './perdure.ts'
import type { Place, System } from './system.ts'

/** Workers that share a connection in {@link openCrowd}. */
const WORKERS_PER_CONNECTION = 100

/**
 * Workers that wait for work, without the thread that each would have for its heartbeats: 5,000 of those do not fit into
 * a process, and they send nothing while there is no lease.
 */
async function openCrowd(url: string, workers: number): Promise<void> {
  for (let first = 0; first < workers; first += WORKERS_PER_CONNECTION) {
    const channel = new Channel(nodeDoor({ url }))
    await channel.open()
    for (let number = first; number < Math.min(workers, first + WORKERS_PER_CONNECTION); number++) {
      const worker = {
        name: `idle-${number}`,
        host: 'elsewhere.example',
        pid: number + 1,
        instance: `${number}`,
      }
      const session = await channel.call('openWorker', [worker, { held: [] }])
      const poll = channel.call('session.poll', [
        session,
        { queues: ['default'], kinds: ['noop'], slots: 10 },
      ])
      // parked until the measurement ends
      poll.catch(() => {})
    }
  }
}

/** A node on a file in the directory, and a client of it. */
export async function makeNode(place: Place): Promise<System> {
  const server = await startServer(join(place.directory, 'perdure.db'))
  const system: System = new PerdureSystem(server.url)
  system.crowd = async (workers) => {
    await openCrowd(server.url, workers)
    return server.use
  }
  const closeClient = system.close.bind(system)
  system.close = async () => {
    await closeClient()
    await server.stop()
  }
  return system
}
