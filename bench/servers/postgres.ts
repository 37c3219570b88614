/** Starts PostgreSQL on loopback in a fresh data directory, as the user `postgres` when the bench runs as root. */
import { type SpawnOptions, spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory, removeDirectory, spawnServer, stopProcess } from './cleanup.ts'
import { needProgram } from './packages.ts'
import { freePort, waitForPort } from './ports.ts'

/**
 * Commits are synchronous, as by default. The rest is what anyone would set for a busy queue: memory, a log big enough
 * that no checkpoint falls into a measurement, and vacuum that keeps up with rows that live for milliseconds.
 */
const SETTINGS = {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  wal_buffers: '32MB',
  autovacuum_naptime: '5s',
  autovacuum_vacuum_cost_delay: '0',
  max_connections: '200',
}

export interface RunningPostgres {
  port: number
  /** An empty database, made for one measurement. */
  makeDatabase(name: string): string
  dropDatabase(name: string): void
  stop(): Promise<void>
}

function userOptions(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const uid = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' })
  const gid = spawnSync('id', ['-g', 'postgres'], { encoding: 'utf8' })
  if (uid.status !== 0) throw new Error('PostgreSQL refuses to run as root and there is no user "postgres"')
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** Starts the server and waits until it takes queries. */
export async function startPostgres(): Promise<RunningPostgres> {
  const postgres = needProgram('postgres', 'postgresql')
  const initdb = needProgram('initdb', 'postgresql')
  const psql = needProgram('psql', 'postgresql')
  const directory = makeDirectory()
  const user = userOptions()
  if (user.uid !== undefined && user.gid !== undefined) chownSync(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  const options: SpawnOptions = { ...user, cwd: directory, stdio: 'ignore' }
  const made = spawnSync(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'], {
    ...user,
    cwd: directory,
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr.trim()}`)
  const port = await freePort()
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const listen = [
    '-p',
    `${port}`,
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${directory}`,
  ]
  const child = spawnServer(postgres, ['-D', data, ...listen, ...settings], options)
  await waitForPort(port, 'PostgreSQL')
  const query = (sql: string): void => {
    const arguments_ = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', '-qc', sql]
    let result = spawnSync(psql, arguments_, { encoding: 'utf8' })
    for (let tries = 0; result.status !== 0 && /starting up/.test(result.stderr) && tries < 100; tries++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
      result = spawnSync(psql, arguments_, { encoding: 'utf8' })
    }
    if (result.status !== 0) throw new Error(`psql failed: ${result.stderr.trim()}`)
  }
  return {
    port,
    makeDatabase: (name) => {
      query(`CREATE DATABASE ${name}`)
      return `postgres://postgres@127.0.0.1:${port}/${name}`
    },
    dropDatabase: (name) => query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    stop: async () => {
      await stopProcess(child, 'SIGQUIT')
      removeDirectory(directory)
    },
  }
}
