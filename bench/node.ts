/** Perdure as a node: the server in a process of its own, producer and worker in that of the measurement. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { PerdureSystem } from './perdure.ts'
import type { Place, System } from './system.ts'

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

/** A node on a file in the directory, and a client of it. */
export async function makeNode(place: Place): Promise<System> {
  const { server, url } = await startServer(join(place.directory, 'perdure.db'))
  const system = new PerdureSystem(url)
  const closeClient = system.close.bind(system)
  system.close = async () => {
    await closeClient()
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  }
  return system
}
