/**
 * A worker in a process of its own, which leases jobs over a socket, and says which of its reports were accepted
 * and which came too late.
 *
 * Usage: worker.ts SOCKET
 */
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { connectSocket } from '../../src/client/remote/remote.ts'
import { say } from './say.ts'

const [path = ''] = process.argv.slice(2)

/** Long enough to be met with leases in hand. */
const WORK_MS = 20

const client = await connectSocket(path)
const session = await client.openWorker({
  name: `worker-${process.pid}`,
  host: hostname(),
  pid: process.pid,
})
say('opened')
for (;;) {
  const leases = await session.poll({ queues: ['default'], kinds: ['work'], slots: 4 })
  for (const { token } of leases) say('leased', token)
  await delay(WORK_MS)
  const reports = leases.map(({ token }) => ({
    token,
    outcome: { type: 'succeeded', result: token } as const,
  }))
  const accepted = await session.report(reports)
  leases.forEach(({ token }, i) => {
    say(accepted[i] ? 'reported' : 'refused', token)
  })
}
