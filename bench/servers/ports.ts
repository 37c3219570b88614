/** Loopback ports: finding a free one, and waiting until a server answers on it. */
import { connect, createServer } from 'node:net'
import { sleep } from '../measure.ts'

/** A port on 127.0.0.1 that nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => socket.destroy())
    socket.once('connect', () => socket.end())
  })
}

/**
 * Waits until something accepts connections.
 * @param what named in the error
 * @throws Error after 20 s
 */
export async function waitForPort(port: number, what: string): Promise<void> {
  const until = Date.now() + 20_000
  while (!(await answers(port))) {
    if (Date.now() > until) throw new Error(`${what} did not answer on port ${port} within 20 s`)
    await sleep(20)
  }
}
