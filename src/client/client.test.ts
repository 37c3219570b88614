/** The client suite on every client there is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestSurroundings } from '../runtime/testdata/test-surroundings.ts'
import { openEmbedded } from '../server/embedded.ts'
import { serveHttp } from '../server/http/serve.ts'
import { serveSocket } from '../server/socket.ts'
import { clientConformance } from './client.suite.ts'
import type { Fixture } from './conformance/world.suite.ts'
import { connectNode } from './remote/dial-node.ts'
import { connectSocket } from './remote/remote.ts'

clientConformance('the embedded client on memory', () => embedded({ store: 'memory' }), { isBig: true })
clientConformance('the embedded client on SQLite in memory', () => embedded({ store: 'sqlite' }), {
  isDatabase: true,
})
clientConformance('the embedded client on a SQLite file', onFile, { isBig: true, isDatabase: true })
async function onFile(): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-client-'))
  const fixture = await embedded({ store: 'sqlite', path: join(folder, 'app.db') })
  return {
    ...fixture,
    dispose: async () => {
      await fixture.dispose()
      rmSync(folder, { recursive: true })
    },
  }
}
clientConformance('the client over a socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-client-'))
  const { client: owner, time, dispose } = await embedded({ store: 'memory' })
  const socket = await serveSocket(owner, join(folder, 'app.sock'))
  const client = await connectSocket(socket.path)
  return {
    client,
    time,
    dispose: async () => {
      await client.close()
      await socket.close()
      await dispose()
      rmSync(folder, { recursive: true })
    },
  }
})
clientConformance('the client of a node', async () => {
  const { client: owner, time, dispose } = await embedded({ store: 'memory' })
  const served = await serveHttp(owner, { host: '127.0.0.1', port: 0 })
  const client = await connectNode({ url: served.url })
  return {
    client,
    time,
    dispose: async () => {
      await client.close()
      await served.close()
      await dispose()
    },
  }
})

async function embedded(options: { store: 'memory' | 'sqlite'; path?: string }): Promise<Fixture> {
  const time = new TestSurroundings()
  const client = await openEmbedded({ ...options, surroundings: time })
  return { client, time, dispose: () => client.close() }
}
