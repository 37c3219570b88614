/**
 * The servers that peers need: started when the first peer asks for one, given empty for each measurement, stopped at
 * the end. A server that cannot be had takes its peers out of the run, with the reason.
 */
import { connect } from 'node:net'
import { type RunningPostgres, startPostgres } from './servers/postgres.ts'
import { type RunningServer, startRedis } from './servers/redis.ts'
import { type RunningRestate, startRestate } from './servers/restate.ts'
import type { Place } from './system.ts'
import type { Server } from './systems.ts'

function flushRedis(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('FLUSHALL\r\n'))
    socket.once('data', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

export class Servers {
  #redis: Promise<RunningServer> | undefined
  #volatileRedis: Promise<RunningServer> | undefined
  #postgres: Promise<RunningPostgres> | undefined
  /** One for each measurement: it has no way to forget what it was told. */
  #restate: Promise<RunningRestate> | undefined
  #databases = 0

  /**
   * Where a system may work, with an empty database on the server that it needs.
   * @throws Error that says what to install, when the server is not there
   */
  async place(server: Server | undefined, directory: string): Promise<Place> {
    if (server === 'redis') {
      this.#redis ??= startRedis(true)
      return { directory, redisPort: (await this.#redis).port }
    }
    if (server === 'volatileRedis') {
      this.#volatileRedis ??= startRedis(false)
      return { directory, volatileRedisPort: (await this.#volatileRedis).port }
    }
    if (server === 'postgres') {
      this.#postgres ??= startPostgres()
      const postgres = await this.#postgres
      return { directory, postgresUrl: postgres.makeDatabase(`bench${++this.#databases}`) }
    }
    if (server === 'restate') {
      this.#restate ??= startRestate()
      const { ingressUrl, adminUrl } = await this.#restate
      return { directory, restate: { ingressUrl, adminUrl } }
    }
    return { directory }
  }

  /** Removes what a measurement left on its server, so that the next does not pay for it. */
  async clear(place: Place): Promise<void> {
    for (const port of [place.redisPort, place.volatileRedisPort]) if (port) await flushRedis(port)
    if (place.postgresUrl) (await this.#postgres)?.dropDatabase(new URL(place.postgresUrl).pathname.slice(1))
    if (place.restate) {
      await (await this.#restate)?.stop()
      this.#restate = undefined
    }
  }

  /** Stops every server and removes its data. */
  async stop(): Promise<void> {
    for (const server of [this.#redis, this.#volatileRedis, this.#postgres, this.#restate]) {
      await server?.then(
        (running) => running.stop(),
        () => undefined,
      )
    }
  }
}
