/** Starts a Restate server on loopback with data of its own; it comes as a package of npm. */
import { createRequire } from 'node:module'
import { makeDirectory, removeDirectory, spawnServer, stopProcess } from './cleanup.ts'
import { freePort, waitForPort } from './ports.ts'

export interface RunningRestate {
  /** Where invocations are sent. */
  readonly ingressUrl: string
  /** Where services are made known. */
  readonly adminUrl: string
  stop(): Promise<void>
}

/** Everything is in one process here, as it comes. The environment may say otherwise. */
const SETTINGS = {
  RESTATE_DISABLE_TELEMETRY: 'true',
  RESTATE_LISTEN_MODE: 'tcp',
  RESTATE_BIND_IP: '127.0.0.1',
  RESTATE_ADVERTISED_HOST: '127.0.0.1',
  RESTATE_LOG_FILTER: 'error',
  RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
  RESTATE_DEFAULT_NUM_PARTITIONS: '4',
  RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT: '30000',
}

/** Starts the server and waits until it can be told of services. */
export async function startRestate(): Promise<RunningRestate> {
  const name = `@restatedev/restate-server-linux-${process.arch}/bin/restate-server`
  const program = createRequire(import.meta.url).resolve(name)
  const directory = makeDirectory()
  const [node, ingress, admin] = [await freePort(), await freePort(), await freePort()]
  const env = {
    ...SETTINGS,
    ...process.env,
    RESTATE_BIND_PORT: `${node}`,
    RESTATE_INGRESS__BIND_PORT: `${ingress}`,
    RESTATE_ADMIN__BIND_PORT: `${admin}`,
  }
  const child = spawnServer(program, ['--base-dir', directory, '--no-logo'], { stdio: 'ignore', env })
  const stop = async (): Promise<void> => {
    await stopProcess(child, 'SIGKILL')
    removeDirectory(directory)
  }
  const adminUrl = `http://127.0.0.1:${admin}`
  const ingressUrl = `http://127.0.0.1:${ingress}`
  await waitForPort(admin, 'Restate')
  await waitForPort(ingress, 'Restate')
  return { ingressUrl, adminUrl, stop }
}
