/** Perdure as a node: the server in a process of its own, producer and worker in that of the measurement. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Channel } from '../src/client/remote/channel.ts'
import { nodeDoor } from '../src/client/remote/dial-node.ts'
import { PerdureSystem } from './perdure.ts'
import type { Place, ProcessUse, System } from './system.ts'

const CLI = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))

/** Starts `perdure node` on a free port; ends with this process, whose end closes its standard input. */
async function startServer(file: string): Promise<{ server: ChildProcess; url: string }> {
  const server = spawn(process.execPath, [CLI, 'node', '--port', '0', '--json', '--url', `sqlite:${file}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => server.kill('SIGKILL'))
  const lines = createInterface({ input: server.stdout as NonNullable<typeof server.stdout> })
  const [line] = (await once(lines, 'line')) as [string]
  return { server, url: (JSON.parse(line) as { url: string }).url }
}

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

/** What a process has used so far, as Linux tells it. */
function useOf(pid: number): ProcessUse {
  // behind the name, which may hold blanks: state is the third field, times in hundredths of a second the 14th and 15th
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, megabytes: Number(resident) / 1024 }
}

/** A node on a file in the directory, and a client of it. */
export async function makeNode(place: Place): Promise<System> {
  const { server, url } = await startServer(join(place.directory, 'perdure.db'))
  const system: System = new PerdureSystem(url)
  system.crowd = async (workers) => {
    await openCrowd(url, workers)
    return () => useOf(server.pid as number)
  }
  const closeClient = system.close.bind(system)
  system.close = async () => {
    await closeClient()
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  }
  return system
}
