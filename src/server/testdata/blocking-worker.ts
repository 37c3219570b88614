/**
 * A worker process whose handler blocks the event loop: polls once, blocks until a file is there, reports.
 * Arguments: the socket's path, the file.
 */
import { existsSync } from 'node:fs'
import { connectSocket } from '../../client/remote/remote.ts'

const [path = '', file = ''] = process.argv.slice(2)
const never = new Int32Array(new SharedArrayBuffer(4))
const client = await connectSocket(path)
const session = await client.openWorker({ name: 'blocking', host: 'here', pid: process.pid })
const [lease] = await session.poll({ queues: ['default'], kinds: ['a'], slots: 1 })
while (!existsSync(file)) Atomics.wait(never, 0, 0, 10)
await session.report([{ token: lease?.token ?? '', outcome: { type: 'succeeded' } }])
await client.close()
