/** Starts Redis on loopback: durable as a job queue has to be, or without persistence. */
import { makeDirectory, removeDirectory, spawnServer, stopProcess } from './cleanup.ts'
import { needProgram } from './packages.ts'
import { freePort, waitForPort } from './ports.ts'

export interface RunningServer {
  port: number
  stop(): Promise<void>
}

/**
 * @param durable true: each write is in the append-only file and synced before its reply, which is what Perdure and the
 *   floor promise too; false: nothing is written to disk
 */
export async function startRedis(durable: boolean): Promise<RunningServer> {
  const program = needProgram('redis-server', 'redis-server')
  const directory = makeDirectory()
  const port = await freePort()
  const persistence = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  const options = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    ...persistence,
  ]
  const child = spawnServer(program, options, { stdio: 'ignore' })
  await waitForPort(port, 'Redis')
  return {
    port,
    stop: async () => {
      await stopProcess(child, 'SIGKILL')
      removeDirectory(directory)
    },
  }
}
