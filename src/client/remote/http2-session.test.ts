/** The connection of an exchange: that its end, however it comes about, is nobody's crash. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it, vi } from 'vitest'
import { openHttp2 } from './http2-session.ts'

it('is asked nothing any more once it is destroyed, though it has not closed yet', async () => {
  const server = createServer((socket) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const session = openHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, () => {})
    await once(session, 'connect')
    const closed = once(session, 'close')
    session.destroy()
    expect(session.destroyed).toBe(true)
    // its end is told in a later turn; the next looks come before it
    expect(() => vi.advanceTimersByTime(60_000)).not.toThrow()
    expect(vi.getTimerCount()).toBe(0)
    await closed
  } finally {
    vi.useRealTimers()
    server.close()
  }
})
