import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Client } from '../client/client.ts'
import { connectSocket } from '../client/remote/remote.ts'
import type { JobEvent } from '../client/types.ts'
import { PerdureError } from '../errors.ts'
import { FrameReader, joinFrames } from '../protocol/frames.ts'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import { hello } from '../protocol/messages.ts'
import { METHODS } from '../protocol/methods.ts'
import { HANDLERS } from './handlers.ts'
import { type ServedSocket, serveSocket } from './socket.ts'
import { FakeClient } from './testdata/fake-client.ts'

let folder: string
let path: string
let fake: FakeClient
const cleanups: (() => unknown)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-socket-'))
  path = join(folder, 'private', 'p.sock')
  fake = new FakeClient()
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  rmSync(folder, { recursive: true, force: true })
})

async function serve(at = path, lingerMs = 10_000): Promise<ServedSocket> {
  const served = await serveSocket(fake, at, { lingerMs })
  cleanups.push(() => served.close())
  return served
}

async function join_(at = path, reconnectMs = 2_000): Promise<Client> {
  const client = await connectSocket(at, { reconnectMs })
  cleanups.push(() => client.close())
  return client
}

const codeOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act
  } catch (error) {
    return error instanceof PerdureError ? error.code : String(error)
  }
  return 'nothing was thrown'
}

/** A peer that writes what it likes. */
class RawPeer {
  readonly socket: Socket
  readonly messages: unknown[][] = []
  readonly #reader = new FrameReader()
  readonly closed: Promise<unknown>

  constructor(at: string) {
    this.socket = connect(at)
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#reader.push(chunk)) this.messages.push(frame.message as unknown[])
      this.socket.emit('frames')
    })
    cleanups.push(() => this.socket.destroy())
  }

  send(...messages: unknown[]): void {
    this.socket.write(joinFrames(messages.map((message) => JSON.stringify(message))))
  }

  async until(test: (message: unknown[]) => boolean): Promise<unknown[]> {
    for (;;) {
      const found = this.messages.find(test)
      if (found !== undefined) return found
      await once(this.socket, 'frames')
    }
  }
}

/** Passes bytes between a client and a served socket, until it is told to cut. */
async function proxy(): Promise<{ at: string; cut(): void; server: Server; chunks: number[] }> {
  const at = join(folder, 'proxy.sock')
  const pairs = new Set<[Socket, Socket]>()
  const chunks: number[] = []
  const server = createServer((near) => {
    const far = connect(path)
    pairs.add([near, far])
    near.on('data', (chunk) => {
      chunks.push(chunk.length)
      far.write(chunk)
    })
    far.on('data', (chunk) => near.write(chunk))
    for (const socket of [near, far]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
  })
  server.listen(at)
  await once(server, 'listening')
  const cut = () => {
    for (const [near, far] of pairs) {
      near.destroy()
      far.destroy()
    }
    pairs.clear()
  }
  cleanups.push(() => {
    cut()
    server.close()
  })
  return { at, cut, server, chunks }
}

describe('the table of methods', () => {
  it('covers every method of the client and of a worker session', () => {
    const read = (file: string) => readFileSync(new URL(`../client/${file}`, import.meta.url), 'utf8')
    const text = `${read('client.ts')}${read('workflows.ts')}`
    const namesOf = (name: string): string[] => {
      const body = text.slice(text.indexOf(`export interface ${name} {`)).split('\n}\n')[0] ?? ''
      return [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1] as string)
    }
    const client = namesOf('Client').filter((name) => name !== 'close')
    const session = namesOf('WorkerSession').filter((name) => name !== 'onNotice')
    expect(client.length).toBeGreaterThan(10)
    const ofRuns = namesOf('WorkflowClient').map((name) => `workflows.${name}`)
    const ofLeasedRuns = namesOf('WorkflowSession')
      .filter((name) => name !== 'onNews' && name !== 'onQuestion')
      .map((name) => `workflows.${name}`)
    const ofSession = [...session, ...ofLeasedRuns].map((name) => `session.${name}`)
    const wanted = [...client, ...ofRuns, ...ofSession].sort()
    expect(Object.keys(METHODS).sort()).toEqual(wanted)
    expect(Object.keys(HANDLERS).sort()).toEqual(wanted)
  })
})

describe('the socket file', () => {
  it('is for its user alone, and goes when the server goes', async () => {
    const served = await serve()
    expect(statSync(join(folder, 'private')).mode & 0o777).toBe(0o700)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await served.close()
    expect(existsSync(path)).toBe(false)
  })

  it('leaves the permissions of a folder that was there', async () => {
    chmodSync(folder, 0o755)
    await serve(join(folder, 'p.sock'))
    expect(statSync(folder).mode & 0o777).toBe(0o755)
  })

  it('replaces what a dead process left, and never what a living one serves', async () => {
    const dead = createServer().listen(join(folder, 'dead.sock'))
    await once(dead, 'listening')
    // A hard link survives the removal that comes with close: a socket file that nobody listens at.
    const { linkSync } = await import('node:fs')
    linkSync(join(folder, 'dead.sock'), join(folder, 'p.sock'))
    dead.close()
    await once(dead, 'close')
    const served = await serve(join(folder, 'p.sock'))
    expect(await codeOf(serveSocket(fake, served.path))).toBe('STORE_BUSY')
    const client = await join_(served.path)
    expect(await client.info()).toEqual({ store: 'fake' })
  })

  it('never replaces a file that is no socket', async () => {
    const file = join(folder, 'precious.txt')
    writeFileSync(file, 'kept')
    expect(await codeOf(serveSocket(fake, file))).toBe('INVALID_OPTION')
    symlinkSync(file, join(folder, 'link'))
    expect(await codeOf(serveSocket(fake, join(folder, 'link')))).toBe('INVALID_OPTION')
    expect(readFileSync(file, 'utf8')).toBe('kept')
  })

  it('that is not there is UNAVAILABLE', async () => {
    expect(await codeOf(connectSocket(join(folder, 'none.sock')))).toBe('UNAVAILABLE')
  })
})

describe('calls', () => {
  it('reach the client and bring back values and typed errors', async () => {
    await serve()
    const client = await join_()
    const options = { weight: 2 }
    expect(
      await client.enqueue([
        { kind: 'a', input: { n: 1 }, options },
        { kind: 'b', options },
      ]),
    ).toEqual([
      { id: 1, created: true },
      { id: 2, created: true },
    ])
    expect(fake.jobs.get(1)?.spec.options).toBe(fake.jobs.get(2)?.spec.options)
    expect(await client.get(1)).toMatchObject({ id: 1, state: 'ready', input: { n: 1 } })
    expect(await client.list({ states: ['failed'] })).toEqual({ jobs: [] })
    expect(await client.dependents(4)).toEqual([4, 10_000])
    expect(await client.pauseQueue('q', true)).toBeUndefined()
    expect(await codeOf(client.get(99))).toBe('NOT_FOUND')
    await expect(client.get(99)).rejects.toMatchObject({ data: { job: 99 } })
    expect(await codeOf(client.get(1.5))).toBe('INVALID_OPTION')
  })

  it('keep an infinite window infinite', async () => {
    await serve()
    await (await join_()).enqueue([{ kind: 'a', keyWindowMs: Number.POSITIVE_INFINITY }])
    expect(fake.jobs.get(1)?.spec.keyWindowMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('of one turn leave in one write', async () => {
    await serve()
    const via = await proxy()
    const client = await join_(via.at)
    const before = via.chunks.length
    await Promise.all(Array.from({ length: 200 }, () => client.position()))
    expect(via.chunks.length - before).toBe(1)
  })

  it('that are cancelled end here at once and there as well', async () => {
    await serve()
    const client = await join_()
    await client.enqueue([{ kind: 'a' }])
    const stop = new AbortController()
    const waiting = client.wait(1, stop.signal)
    while (fake.waits === 0) await client.position()
    const aborted = once(fake.ended, 'wait-aborted')
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await aborted
    expect(fake.waitsAborted).toBe(1)
  })

  it('that are too large fail alone', async () => {
    await serve()
    const client = await join_()
    const input = 'x'.repeat(MAX_FRAME_BYTES)
    expect(await codeOf(client.enqueue([{ kind: 'a', input }]))).toBe('TOO_LARGE')
    expect(await codeOf(client.enqueue([{ kind: 'a', input: 1n }]))).toBe('NOT_SERIALIZABLE')
    await fake.enqueue([{ kind: 'a', input }])
    expect(await codeOf(client.get(1))).toBe('TOO_LARGE')
    expect(await client.info()).toEqual({ store: 'fake' })
  })
})

describe('malformed input', () => {
  it('closes that connection with PROTOCOL, and no other', async () => {
    await serve()
    const client = await join_()
    const bad: unknown[][] = [
      [['call', 1, 'get', [1]]],
      [hello('x')],
      [['hello', { ...hello('x'), version: 99 }]],
      [
        ['hello', hello('x')],
        ['call', 'one', 'get', [1]],
      ],
      [
        ['hello', hello('x')],
        ['hello', hello('x')],
      ],
      [
        ['hello', hello('x')],
        ['tell', 'get', [1]],
      ],
      [
        ['hello', hello('x')],
        ['call', 1, 'wait', [1]],
        ['call', 1, 'wait', [1]],
      ],
    ]
    await fake.enqueue([{ kind: 'a' }])
    for (const messages of bad) {
      const peer = new RawPeer(path)
      peer.send(...messages)
      await peer.closed
      expect(peer.messages.at(-1)).toMatchObject(['fatal', { code: 'PROTOCOL' }])
    }
    const garbage = new RawPeer(path)
    garbage.socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await garbage.closed
    expect(garbage.messages.at(-1)).toMatchObject(['fatal', { code: 'PROTOCOL' }])
    expect(await client.info()).toEqual({ store: 'fake' })
  })

  it('in a method or its arguments is refused and nothing else happens', async () => {
    await serve()
    const peer = new RawPeer(path)
    peer.send(
      ['hello', hello('x')],
      ['call', 1, 'drop', []],
      ['call', 2, 'get', ['1']],
      ['call', 3, 'watch', [{}]],
    )
    peer.send(
      ['call', 4, 'constructor', []],
      ['open', 5, 'get', [1], 10],
      ['call', 6, 'session.poll', [77, {}]],
    )
    peer.send(['call', 7, 'info', []])
    await peer.until((message) => message[0] === 'reply' && message[1] === 7)
    for (const id of [1, 2, 3, 4, 5, 6]) {
      expect(await peer.until((message) => message[1] === id)).toMatchObject([
        'refuse',
        id,
        { code: 'PROTOCOL' },
      ])
    }
  })

  it('that is cut off in the middle of a frame leaves the server alive', async () => {
    const served = await serve()
    const peer = new RawPeer(path)
    peer.socket.write(joinFrames([JSON.stringify(['hello', hello('x')])]).subarray(0, 20))
    await once(peer.socket, 'connect')
    peer.socket.destroy()
    const client = await join_()
    expect(await client.info()).toEqual({ store: 'fake' })
    expect(served.connections).toBeGreaterThan(0)
  })
})

describe('streams', () => {
  const event = (id: number): JobEvent => ({
    id,
    state: 'ready',
    previous: null,
    attempt: 0,
    at: 0,
    position: { shard: 0, epoch: 1, sequence: id },
  })

  it('bring everything in order, and end', async () => {
    fake.source = async function* () {
      for (let id = 0; id < 5_000; id += 1) yield event(id)
    }
    await serve()
    const client = await join_()
    const ids: number[] = []
    for await (const { id } of client.watch({})) ids.push(id)
    expect(ids).toEqual(Array.from({ length: 5_000 }, (_, id) => id))
  })

  it('stop their source while nobody takes, and go on with the consumer', async () => {
    let taken = 0
    fake.source = async function* () {
      for (;;) {
        taken += 1
        yield event(taken)
      }
    }
    await serve()
    const client = await join_()
    const stop = new AbortController()
    const items = client.watch({}, stop.signal)[Symbol.asyncIterator]()
    await items.next()
    // Whatever may be sent has been sent once a later call is answered and the source stands still.
    let seen = -1
    while (seen !== taken) {
      seen = taken
      for (let call = 0; call < 20; call += 1) await client.position()
    }
    expect(taken).toBeLessThanOrEqual(METHODS.watch.window + 2)
    for (let count = 0; count < 3_000; count += 1) await items.next()
    expect(taken).toBeGreaterThan(3_000)
    stop.abort()
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  it('end at the other side when the consumer leaves', async () => {
    let ended: () => void = () => {}
    const end = new Promise<void>((resolve) => (ended = resolve))
    fake.source = async function* () {
      try {
        for (let id = 0; ; id += 1) yield event(id)
      } finally {
        ended()
      }
    }
    await serve()
    const client = await join_()
    for await (const { id } of client.watch({})) if (id === 10) break
    await end
    expect(await client.info()).toEqual({ store: 'fake' })
  })

  it('hand over the error that ended them, after what came before it', async () => {
    fake.source = async function* () {
      yield event(1)
      throw new PerdureError('OVERLOADED', 'too slow')
    }
    await serve()
    const items = (await join_()).watch({})[Symbol.asyncIterator]()
    expect((await items.next()).value).toMatchObject({ id: 1 })
    expect(await codeOf(items.next())).toBe('OVERLOADED')
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })
})

describe('a broken connection', () => {
  it('fails reads with UNAVAILABLE and writes with UNKNOWN_OUTCOME, and is mended for later calls', async () => {
    await serve()
    const via = await proxy()
    const client = await join_(via.at)
    await client.enqueue([{ kind: 'a' }])
    fake.gate = new Promise(() => {})
    const write = client.control(1, { verb: 'hold' })
    const items = client.logs(1, { follow: true })[Symbol.asyncIterator]()
    const read = items.next()
    while (fake.verbs.length === 0) await client.position()
    const codes = Promise.all([codeOf(write), codeOf(read)])
    via.cut()
    expect(await codes).toEqual(['UNKNOWN_OUTCOME', 'UNAVAILABLE'])
    expect(await client.info()).toEqual({ store: 'fake' })
  })

  it('repeats an enqueue under the same request, so that it happens once', async () => {
    await serve()
    const via = await proxy()
    const client = await join_(via.at)
    fake.gate = new Promise(() => {})
    const enqueued = client.enqueue([{ kind: 'a' }])
    while (fake.enqueues === 0) await client.position()
    fake.gate = undefined
    via.cut()
    expect(await enqueued).toEqual([{ id: 1, created: true }])
    expect(fake.enqueues).toBe(2)
    expect(fake.jobs.size).toBe(1)
  })

  it('makes an enqueue unknown that is refused when it is repeated: the first may have happened', async () => {
    await serve()
    const via = await proxy()
    const client = await join_(via.at)
    fake.gate = new Promise(() => {})
    const enqueued = codeOf(client.enqueue([{ kind: 'a' }]))
    while (fake.enqueues === 0) await client.position()
    fake.enqueue = async () => {
      throw new PerdureError('OVERLOADED', '', { data: { retryAfterMs: 3_600_000 } })
    }
    via.cut()
    expect(await enqueued).toBe('UNKNOWN_OUTCOME')
  })

  it('goes on waiting for a job', async () => {
    await serve()
    const via = await proxy()
    const client = await join_(via.at)
    await client.enqueue([{ kind: 'a' }])
    const end = client.wait(1)
    while (fake.waits === 0) await client.position()
    via.cut()
    while (fake.waits === 1) await client.position().catch(() => {})
    const job = fake.jobs.get(1)
    if (job !== undefined) job.state = 'succeeded'
    fake.ended.dispatchEvent(new Event('1'))
    expect(await end).toMatchObject({ id: 1, state: 'succeeded' })
  })

  it('gives up when nobody comes back', async () => {
    const served = await serve()
    const client = await join_(path, 60)
    await served.close()
    // The first may still find the connection that is about to break, the second cannot.
    expect(await codeOf(client.info())).toBe('UNAVAILABLE')
    await expect(client.info()).rejects.toThrow('tried again and again')
  })

  it('asks its owner to bring somebody up', async () => {
    const served = await serve()
    let revived = 0
    const client = await connectSocket(path, {
      onUnreachable: async () => {
        revived += 1
        await serve()
        return true
      },
    })
    cleanups.push(() => client.close())
    await served.close()
    await client.info().catch(() => {})
    expect(await client.info()).toEqual({ store: 'fake' })
    expect(revived).toBe(1)
  })

  it('is CLOSED after close, for what is under way as well', async () => {
    await serve()
    const client = await join_()
    await client.enqueue([{ kind: 'a' }])
    const waiting = codeOf(client.wait(1))
    await client.close()
    expect(await waiting).toBe('CLOSED')
    expect(await codeOf(client.info())).toBe('CLOSED')
  })
})
