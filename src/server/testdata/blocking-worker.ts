/**
 * A worker process whose handler blocks the event loop: polls once, blocks for a while, reports.
 * Arguments: the socket's path, how long to block in ms.
 */
import { connectSocket } from '../../client/remote/remote.ts'

const [path = '', blockMs = '0'] = process.argv.slice(2)
const client = await connectSocket(path)
const session = await client.openWorker({ name: 'blocking', host: 'here', pid: process.pid })
const [lease] = await session.poll({ queues: ['default'], kinds: ['a'], slots: 1 })
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(blockMs))
await session.report([{ token: lease?.token ?? '', outcome: { type: 'succeeded' } }])
await client.close()
