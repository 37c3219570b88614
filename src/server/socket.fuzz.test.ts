/**
 * Calls by a peer that keeps to the form of the wire and to nothing else: each is answered, by a value or by an error
 * that says what was wrong; none meets a bug of ours, and the server goes on serving.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Client } from '../client/client.ts'
import type { ErrorRecord } from '../errors.ts'
import { FrameReader, joinFrames } from '../protocol/frames.ts'
import { hello } from '../protocol/messages.ts'
import { type ArgumentShape, METHODS, type MethodName } from '../protocol/methods.ts'
import { json, nearly, text } from '../std/testdata/fuzz.ts'
import { fc, times } from '../std/testdata/properties.ts'
import { openEmbedded } from './embedded.ts'
import { type ServedSocket, serveSocket } from './socket.ts'

/** A peer that can say anything. */
class Peer {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (answer: readonly unknown[]) => void>()
  readonly #ended: Promise<never>
  #next = 1

  constructor(path: string) {
    this.#socket = connect(path)
    const reader = new FrameReader()
    this.#socket.on('data', (chunk: Buffer) => {
      for (const { message } of reader.push(chunk)) this.#hear(message as readonly unknown[])
    })
    this.#ended = new Promise((_, reject) => {
      this.#socket.on('close', () => reject(new Error('the server has closed the connection')))
    })
    this.#ended.catch(() => {})
    this.#say(['hello', hello('fuzz')])
  }

  /** Calls a method, or opens a stream, and takes it back at once: some answers would never come by themselves. */
  call(name: string, values: readonly unknown[]): Promise<readonly unknown[]> {
    const id = this.#next++
    const isStream = METHODS[name as MethodName]?.form === 'stream'
    const answer = new Promise<readonly unknown[]>((resolve) => this.#waiting.set(id, resolve))
    this.#say(isStream ? ['open', id, name, values, 8] : ['call', id, name, values])
    this.#say(['cancel', id])
    return Promise.race([answer, this.#ended])
  }

  close(): void {
    this.#socket.destroy()
  }

  #say(message: unknown): void {
    this.#socket.write(joinFrames([JSON.stringify(message)]))
  }

  #hear(message: readonly unknown[]): void {
    const [tag, id] = message
    if (tag === 'reply' || tag === 'refuse' || tag === 'end') this.#waiting.get(id as number)?.(message)
  }
}

let folder: string
let client: Client
let served: ServedSocket
let peer: Peer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-fuzz-'))
  client = await openEmbedded({ store: 'memory' })
  served = await serveSocket(client, join(folder, 'p.sock'))
  peer = new Peer(served.path)
})

afterEach(async () => {
  peer.close()
  await served.close()
  await client.close()
  rmSync(folder, { recursive: true })
})

const name = fc.constantFrom('default', 'mail')
const number = fc.integer({ min: 1, max: 5 })
const token = fc.tuple(number, number, text).map((parts) => parts.join('.'))
const job = nearly(
  {
    kind: name,
    input: json,
    key: text,
    limits: fc.array(nearly({ key: text, max: number }, json), { maxLength: 2 }),
    after: fc.array(nearly({ job: number, index: fc.constant(0) }, json), { maxLength: 2 }),
    metadata: fc.dictionary(text, text, { maxKeys: 2 }),
    options: fc.constantFrom<unknown>(undefined, 0),
    state: fc.constantFrom('ready', 'failed'),
    createdAt: number,
  },
  json,
)
/** Something for every method: what one makes of it is nothing to another. */
const object = fc.oneof(
  nearly({ jobs: fc.array(job, { maxLength: 3 }), options: fc.array(json, { maxLength: 2 }) }, json),
  nearly({ request: text, limit: number, cursor: text, ids: fc.array(number), states: fc.array(text) }, json),
  nearly(
    { verb: fc.constantFrom('cancel', 'restart', 'hold', 'delete'), reason: text, priority: number },
    json,
  ),
  nearly({ queues: fc.array(name), kinds: fc.array(name), slots: number }, json),
  nearly({ name, host: name, pid: number, instance: name, held: fc.array(token) }, json),
)
const outcome = nearly(
  { type: fc.constantFrom('succeeded', 'failed', 'cancelled', 'snoozed'), result: json, error: json },
  json,
)
const array = fc.oneof(
  fc.array(job, { maxLength: 3 }),
  fc.array(nearly({ token, outcome, stream: fc.constant('log'), text }, json), { maxLength: 3 }),
  fc.array(fc.oneof(token, json), { maxLength: 3 }),
)
const OF_SHAPE: Readonly<Record<ArgumentShape, fc.Arbitrary<unknown>>> = {
  integer: number,
  'integer?': fc.option(number),
  string: text,
  'string?': fc.option(text),
  number: fc.double(),
  boolean: fc.boolean(),
  array,
  object,
  'object?': fc.option(object),
}
const calls = fc.constantFrom(...(Object.keys(METHODS) as MethodName[])).chain((method) => {
  const values = METHODS[method].arguments.map((shape) =>
    fc.oneof({ weight: 9, arbitrary: OF_SHAPE[shape] }, { weight: 1, arbitrary: json }),
  )
  return fc.tuple(fc.constant(method), fc.tuple(...values))
})

it('are answered, whatever they are', async () => {
  await peer.call('openWorker', [{ name: 'w', host: 'h', pid: 1, instance: 'i' }, {}])
  await fc.assert(
    fc.asyncProperty(calls, async ([method, values]) => {
      if (METHODS[method].form === 'tell') return
      const [tag, , answer] = await peer.call(method, values)
      if (tag !== 'refuse') return
      const { code, message } = answer as ErrorRecord
      // what a caller has taken back may end as it likes
      if (!message.includes('aborted')) expect({ code, message }).not.toMatchObject({ code: 'INTERNAL' })
    }),
    times(600),
  )
  expect(await client.check()).toEqual([])
  const [tag, , added] = await peer.call('enqueue', [{ jobs: [{ kind: 'mail' }], options: [] }, null])
  expect([tag, added]).toEqual(['reply', [{ id: expect.any(Number), created: true }]])
})
