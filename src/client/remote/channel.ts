/**
 * Calls and streams over a connection that may break and come back.
 *
 * Owns: ids, what is under way, reconnecting with back-off, which calls are repeated, and what callers are told about a
 * connection that broke under them: reads failed (UNAVAILABLE), writes may have happened (UNKNOWN_OUTCOME).
 */
import { randomUUID } from 'node:crypto'
import { fromErrorRecord, PerdureError, perdureError } from '../../errors.ts'
import type { MessageLink } from '../../protocol/link.ts'
import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import { METHODS, type Method, type MethodName } from '../../protocol/methods.ts'
import { formatDuration } from '../../std/duration.ts'
import { growingPauseMs } from '../../std/pause.ts'
import type { Door } from './door.ts'
import { Patience } from './patience.ts'
import { RemoteStream } from './stream.ts'

/** Between tries to connect. */
const PAUSES = { firstMs: 20, longestMs: 1_000 }
/** How often a call is sent anew: one that breaks every connection is the cause of it and must not go on for ever. */
const MOST_BREAKS = 5
/** Notices that arrive before the caller of `openWorker` knows its session's number. */
const MAX_EARLY_NOTICES = 10_000

/** Settings of a channel. */
export interface ChannelOptions {
  /** How long a call waits for a connection before it fails with UNAVAILABLE, ms. Default 10,000. */
  readonly reconnectMs?: number
  /**
   * How long a call may take in all, its repetitions included, ms. Then a read fails with UNAVAILABLE, and a write with
   * UNKNOWN_OUTCOME. Calls that wait for something to happen take as long as that takes. Default 30,000.
   */
  readonly timeoutMs?: number
  /**
   * Called when nobody answers at the door. May bring up a new owner there; true means that it did, and the
   * next try follows at once.
   */
  readonly onUnreachable?: () => Promise<boolean>
}

/**
 * Methods that answer when something happens, or that look at all there is; and what a run writes, which must not be
 * given up while it may still take effect: the end of its lease is the end of that.
 */
const ENDLESS: ReadonlySet<MethodName> = new Set([
  ...(['wait', 'session.poll', 'check', 'session.workflows.record'] as const),
])
const DEFAULT_TIMEOUT_MS = 30_000
/** Deadlines are looked at together, so often in the course of one. */
const LOOKS_PER_TIMEOUT = 20
/** Ids are numbers of 32 bits. */
const MOST_ID = 2 ** 32 - 1

/** What a call meets that did not begin. */
const REFUSALS: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OVERLOADED'])

interface PendingCall {
  readonly method: MethodName
  /** Monotonic ms. */
  readonly deadline: number
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** What to do when the caller's signal aborts: give up at once, or ask the peer to end and wait for its answer. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onAbort?: 'reject' | 'await'
  /** When to give up, monotonic ms. Default: so much from now as the channel was made with. */
  readonly deadline?: number
}

type Link = MessageLink<ClientMessage>

/** One client's line to one node, or to the process that owns a store. */
export class Channel {
  readonly door: Door
  readonly #options: ChannelOptions
  readonly #instance = randomUUID()
  readonly #calls = new Map<number, PendingCall>()
  readonly #streams = new Map<number, RemoteStream<unknown>>()
  readonly #notices = new Map<number, (notice: unknown) => void>()
  #early: [number, unknown][] = []
  readonly #watchers = new Set<{ lost(): void; connected(): void }>()
  readonly #lost = new WeakSet<object>()
  #link: Link | undefined
  /** Tells the present start of the peer from those before it; empty before the first connection. */
  peer = ''
  #connecting: Promise<Link> | undefined
  #ids = 0
  #waiting = 0
  #closed = false
  readonly #end = new AbortController()
  #wake: (() => void) | undefined
  readonly #timeoutMs: number
  #looks: NodeJS.Timeout | undefined

  constructor(door: Door, options: ChannelOptions = {}) {
    this.door = door
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  }

  /** Connects for the first time, without retries. */
  async open(): Promise<void> {
    await this.#connect(() => this.#dial())
  }

  /** Whether an error means that the connection broke, so that the call may be repeated on the next one. */
  isLost(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#lost.has(error)
  }

  /** Asks and waits for the answer. */
  call(method: MethodName, values: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const deadline = this.#deadlineOf(method, options)
    const link = this.#link
    if (link !== undefined && !link.congested) return this.#ask(link, method, values, deadline, options)
    return this.#freeLink().then((free) => this.#ask(free, method, values, deadline, options))
  }

  /** A connection that takes more: callers wait for a network that is slow, instead of filling memory. */
  async #freeLink(): Promise<Link> {
    for (;;) {
      const link = this.#link ?? (await this.ready())
      if (!link.congested) return link
      await link.drained()
    }
  }

  #ask(
    link: Link,
    method: MethodName,
    values: readonly unknown[],
    deadline: number,
    { signal, onAbort }: CallOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted && onAbort !== 'await') return reject(signal.reason)
      const id = this.#nextId()
      link.send(['call', id, method, values])
      if (signal === undefined) this.#calls.set(id, { method, deadline, resolve, reject })
      else this.#askUntil(signal, id, { method, deadline, resolve, reject }, onAbort)
      if (deadline < Number.POSITIVE_INFINITY) this.#looks ??= this.#look()
    })
  }

  /** Keeps a call that its caller may abort. */
  #askUntil(signal: AbortSignal, id: number, call: PendingCall, onAbort: CallOptions['onAbort']): void {
    const abort = () => {
      this.#tryToSend(['cancel', id])
      if (onAbort === 'await') return
      this.#calls.delete(id)
      call.reject(signal.reason)
    }
    const done = () => signal.removeEventListener('abort', abort)
    this.#calls.set(id, {
      ...call,
      resolve: (value) => {
        done()
        call.resolve(value)
      },
      reject: (error) => {
        done()
        call.reject(error)
      },
    })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  }

  /** Gives up calls whose deadline has passed, until none is left. No timer per call: there are tens of thousands a second. */
  #look(): NodeJS.Timeout {
    const everyMs = this.#timeoutMs / LOOKS_PER_TIMEOUT
    let lookedAt = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      // this process stood still: answers may have come that are read only after this look
      const isLate = now - lookedAt > 2 * everyMs
      lookedAt = now
      if (isLate) return
      for (const [id, { method, deadline, reject }] of this.#calls) {
        if (deadline > now) continue
        this.#calls.delete(id)
        this.#tryToSend(['cancel', id])
        reject(noAnswer(METHODS[method].effect, `none within ${formatDuration(this.#timeoutMs)}`, this.door))
      }
      if (this.#calls.size > 0) return
      clearInterval(timer)
      this.#looks = undefined
    }, everyMs)
    return timer.unref()
  }

  /** Asks what changes nothing, and asks again when too much was waiting at the other end. */
  read(method: MethodName, values: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    return this.#persist(1, method, () => values, options)
  }

  /**
   * Asks, and asks again when the connection breaks or too much was waiting at the other end: for reads, and for writes
   * that carry a request id.
   */
  callAgain(
    method: MethodName,
    valuesOf: (isFirst: boolean) => readonly unknown[],
    options: CallOptions = {},
  ): Promise<unknown> {
    return this.#persist(MOST_BREAKS, method, valuesOf, options)
  }

  /** Asks until there is an answer, the deadline has passed, or so many connections have broken under it. */
  async #persist(
    mostBreaks: number,
    method: MethodName,
    valuesOf: (isFirst: boolean) => readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> {
    const deadline = this.#deadlineOf(method, options)
    let patience: Patience | undefined
    let broken: unknown
    let breaks = 0
    for (let isFirst = true; ; isFirst = false) {
      try {
        return await this.call(method, valuesOf(isFirst), { ...options, deadline })
      } catch (error) {
        if (this.isLost(error)) {
          broken = error
          breaks += 1
          patience?.calm()
          if (breaks >= mostBreaks) throw error
        } else {
          patience ??= this.#patience(deadline, options.signal)
          if (!(await patience.outwaits(error))) throw outcomeOf(error, broken)
        }
        if (performance.now() >= deadline) throw outcomeOf(error, broken)
      }
    }
  }

  #deadlineOf(method: MethodName, { deadline }: CallOptions): number {
    return deadline ?? (ENDLESS.has(method) ? Number.POSITIVE_INFINITY : performance.now() + this.#timeoutMs)
  }

  #patience(deadline: number, signal: AbortSignal | undefined): Patience {
    const signals = signal === undefined ? [this.#end.signal] : [this.#end.signal, signal]
    return new Patience({ deadline, patienceMs: this.#timeoutMs, signals })
  }

  /** Tells, without an answer; lost when there is no connection. */
  tell(method: MethodName, values: readonly unknown[]): void {
    this.#tryToSend(['tell', method, values])
  }

  /** Opens a stream now; its items wait for the consumer within the method's window. */
  stream<T>(method: MethodName, values: readonly unknown[], signal?: AbortSignal): AsyncIterableIterator<T> {
    const { window = 64 } = METHODS[method] as Method
    const stream = new RemoteStream<unknown>(window)
    const begin = (link: Link) => {
      const id = this.#nextId()
      link.send(['open', id, method, values, window])
      this.#streams.set(id, stream)
      stream.start({
        credit: (items) => this.#tryToSend(['credit', id, items]),
        cancel: () => {
          this.#streams.delete(id)
          this.#tryToSend(['cancel', id])
        },
      })
    }
    if (signal?.aborted) stream.cancel()
    else {
      signal?.addEventListener('abort', () => stream.cancel(), { once: true })
      try {
        if (this.#link !== undefined) begin(this.#link)
        else
          this.ready()
            .then(begin)
            .catch((error: unknown) => stream.finish(error))
      } catch (error) {
        stream.finish(error)
      }
    }
    return stream as RemoteStream<T>
  }

  /** Delivers the notices of a worker session, those that came early first. */
  onNotice(session: number, listener: (notice: unknown) => void): void {
    this.#notices.set(session, listener)
    const early = this.#early.filter(([number]) => number === session)
    this.#early = this.#early.filter(([number]) => number !== session)
    for (const [, notice] of early) listener(notice)
  }

  /** Tells when the connection goes and comes, and keeps it up from now on. Answers how to stop that. */
  keepUp(watcher: { lost(): void; connected(): void }): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** The open connection, after reconnecting if need be. Rejects with UNAVAILABLE when that takes too long. */
  async ready(): Promise<Link> {
    if (this.#link !== undefined) return this.#link
    if (this.#closed) throw closed()
    let late: NodeJS.Timeout | undefined
    const deadline = new Promise<'late'>((resolve) => {
      late = setTimeout(() => resolve('late'), this.#options.reconnectMs ?? 10_000)
    })
    this.#waiting += 1
    try {
      const link = await Promise.race([this.#connect(() => this.#reconnect()), deadline])
      if (link !== 'late') return link
    } finally {
      this.#waiting -= 1
      clearTimeout(late)
    }
    throw perdureError('UNAVAILABLE', {
      expected: `a process that serves ${this.door.place}`,
      found: 'none, although it was tried again and again',
      fix: 'Start the process that owns the store (`perdure worker` or `perdure node`)',
      data: this.door.data,
    })
  }

  /** Ends the connection; what is under way rejects with CLOSED. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#looks)
    this.#end.abort(closed())
    this.#wake?.()
    this.#watchers.clear()
    this.#abandon(() => closed())
    this.#link?.end()
    this.#link = undefined
  }

  async #dial(): Promise<Link> {
    const link = await this.door.dial(this.#instance, {
      onOpen: (peer) => {
        this.peer = peer
      },
      onMessage: (message) => this.#onMessage(message),
      onClose: (fatal) => this.#onClose(fatal),
    })
    if (this.#closed) {
      link.end()
      throw closed()
    }
    // it may have broken between its hello and this moment; what is sent into it would never be answered
    if (link.closed) throw noAnswer('read', 'that the connection broke', this.door)
    this.#link = link
    for (const watcher of this.#watchers) watcher.connected()
    return link
  }

  /** One way to a connection at a time, whoever asks for it. */
  #connect(way: () => Promise<Link>): Promise<Link> {
    this.#connecting ??= way().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** Tries until it works, is closed, or the peer turns out to speak another language. */
  async #reconnect(): Promise<Link> {
    for (let failures = 0; ; failures += 1) {
      if (this.#closed) throw closed()
      try {
        return await this.#dial()
      } catch (error) {
        if (!(error instanceof PerdureError) || error.code !== 'UNAVAILABLE') throw error
        // Nobody waits for the connection any more.
        if (this.#waiting === 0 && this.#watchers.size === 0) throw error
      }
      const revived = await this.#options.onUnreachable?.().catch(() => false)
      if (!revived) await this.#pause(growingPauseMs(PAUSES, failures, Math.random()))
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #onMessage(message: ServerMessage): void {
    switch (message[0]) {
      case 'reply':
        this.#takeCall(message[1])?.resolve(message[2])
        break
      case 'refuse':
        this.#refuse(message[1], fromErrorRecord(message[2]))
        break
      case 'item':
        this.#streams.get(message[1])?.push(message[2])
        break
      case 'end':
        this.#takeStream(message[1])?.finish()
        break
      case 'notice':
        this.#notice(message[1], message[2])
        break
      case 'hello':
      case 'fatal':
        break
    }
  }

  #refuse(id: number, error: PerdureError): void {
    this.#takeCall(id)?.reject(error)
    this.#takeStream(id)?.finish(error)
  }

  #notice(session: number, notice: unknown): void {
    const listener = this.#notices.get(session)
    if (listener !== undefined) listener(notice)
    else if (this.#early.length < MAX_EARLY_NOTICES) this.#early.push([session, notice])
  }

  #takeCall(id: number): PendingCall | undefined {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    return call
  }

  #takeStream(id: number): RemoteStream<unknown> | undefined {
    const stream = this.#streams.get(id)
    this.#streams.delete(id)
    return stream
  }

  #onClose(fatal: PerdureError | undefined): void {
    if (this.#closed) return
    this.#link = undefined
    this.#notices.clear()
    this.#early = []
    for (const watcher of this.#watchers) watcher.lost()
    this.#abandon((effect) => {
      if (fatal !== undefined) return fatal
      const error = noAnswer(effect, 'that the connection broke', this.door)
      this.#lost.add(error)
      return error
    })
    // Errors reach those who wait for the connection.
    if (this.#watchers.size > 0) this.#connect(() => this.#reconnect()).catch(() => {})
  }

  #abandon(reason: (effect: 'read' | 'write') => PerdureError): void {
    const calls = [...this.#calls.values()]
    const streams = [...this.#streams.values()]
    this.#calls.clear()
    this.#streams.clear()
    for (const call of calls) call.reject(reason(METHODS[call.method].effect))
    for (const stream of streams) stream.finish(reason('read'))
  }

  #nextId(): number {
    do this.#ids = this.#ids === MOST_ID ? 1 : this.#ids + 1
    while (this.#calls.has(this.#ids) || this.#streams.has(this.#ids))
    return this.#ids
  }

  #tryToSend(message: ClientMessage): void {
    this.#link?.send(message)
  }
}

/** What is true of a call that was refused after its connection had broken: an earlier sending may have taken effect. */
function outcomeOf(error: unknown, broken: unknown): unknown {
  const isRefusal = error instanceof PerdureError && REFUSALS.has(error.code)
  return broken !== undefined && isRefusal ? broken : error
}

function closed(): PerdureError {
  return perdureError('CLOSED', {
    expected: 'an open client',
    found: 'one that was closed',
    fix: 'Open a new client',
  })
}

function noAnswer(effect: 'read' | 'write', found: string, { place, data }: Door): PerdureError {
  return perdureError(effect === 'read' ? 'UNAVAILABLE' : 'UNKNOWN_OUTCOME', {
    expected: `an answer over ${place}`,
    found,
    fix:
      effect === 'read'
        ? 'Ask again'
        : 'Look whether it took effect, or ask again with the same key or request',
    data,
  })
}
