/** The process of a node: started, looked at, and stopped. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnServer } from './servers/cleanup.ts'
import type { ProcessUse } from './system.ts'

const SOURCE = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
/** What {@link buildNode} has built, for the processes that it starts as well. */
const BUILT = 'PERDURE_BENCH_NODE'

/** Builds the package, so that the node that is measured is the one that users install: from its source it takes more memory. */
export function buildNode(): void {
  const script = fileURLToPath(new URL('../scripts/build.ts', import.meta.url))
  execFileSync(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit'] })
  process.env[BUILT] = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
}

/** A node that runs. */
export interface ServerProcess {
  readonly url: string
  /** What it has used so far. */
  use(): ProcessUse
  stop(): Promise<void>
}

/** Starts `perdure node` on a free port; ends with this process. */
export async function startServer(file: string): Promise<ServerProcess> {
  const options = [process.env[BUILT] ?? SOURCE, 'node', '--port', '0', '--json', '--url', `sqlite:${file}`]
  const server = spawnServer(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => server.kill('SIGKILL'))
  const lines = createInterface({ input: server.stdout as NonNullable<typeof server.stdout> })
  const [line] = (await once(lines, 'line')) as [string]
  return {
    url: (JSON.parse(line) as { url: string }).url,
    use: () => useOf(server.pid as number),
    stop: async () => {
      const ended = once(server, 'exit')
      server.kill('SIGTERM')
      await ended
    },
  }
}

/** What a process has used so far, as Linux tells it. */
function useOf(pid: number): ProcessUse {
  // behind the name, which may hold blanks: state is the third field, times in hundredths of a second the 14th and 15th
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, megabytes: Number(resident) / 1024 }
}
