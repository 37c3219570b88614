/**
 * One client's connection, over a local socket or an exchange: its calls, its streams, and their bounds.
 *
 * Owns: which calls are under way, how much credit each stream has, and that nothing outlives the
 * connection. What a method does stands in `handlers.ts`.
 */
import { errorRecord, type PerdureError, perdureError } from '../errors.ts'
import { malformed } from '../protocol/json.ts'
import { HELLO_TIMEOUT_MS, MAX_CREDIT, MAX_PENDING, MAX_PENDING_BYTES } from '../protocol/limits.ts'
import type { LinkEvents, MessageLink } from '../protocol/link.ts'
import {
  assertHello,
  type ClientMessage,
  type Hello,
  hello,
  type ServerMessage,
} from '../protocol/messages.ts'
import { assertArguments, isMethod, METHODS, type MethodForm, type MethodName } from '../protocol/methods.ts'
import type { Logger } from '../runtime/logger/logger.ts'
import type { Caller } from './auth/caller.ts'
import { HANDLERS, type HandlerContext, perform, strings, workerName } from './handlers.ts'
import type { View } from './hub.ts'
import type { NoticeSink } from './sessions.ts'
import { wireError } from './wire-error.ts'

/** A call or stream under way. Most calls are answered before anybody could cancel them, so its signal is made on demand. */
class Pending {
  readonly bytes: number
  /** Streams only: items that may still be sent, and who waits for more. */
  credit: number
  onCredit: (() => void) | undefined
  #controller: AbortController | undefined
  #isAborted = false

  constructor(bytes: number, credit: number) {
    this.bytes = bytes
    this.credit = credit
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isAborted) this.#controller.abort(cancelled())
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    this.#controller?.abort(cancelled())
    this.wake()
  }

  /** Lets a stream look again whether it may go on. */
  wake(): void {
    this.onCredit?.()
    this.onCredit = undefined
  }
}

/** What the handler of one call may use. A class, since a getter in an object of its own costs as much as a whole call. */
class CallContext implements HandlerContext {
  readonly client: HandlerContext['client']
  readonly sessions: HandlerContext['sessions']
  readonly record: HandlerContext['record']
  readonly adopt: HandlerContext['adopt']
  readonly #pending: Pending

  constructor({ client, sessions, record }: View, adopt: HandlerContext['adopt'], pending: Pending) {
    this.client = client
    this.sessions = sessions
    this.record = record
    this.adopt = adopt
    this.#pending = pending
  }

  get signal(): AbortSignal {
    return this.#pending.signal
  }
}

function cancelled(): PerdureError {
  return perdureError('CANCELLED', {
    expected: 'a caller that waits for the answer',
    found: 'that it cancelled the call',
    fix: 'Call again',
  })
}

/** What connections of one socket share. */
export interface Shared {
  viewOf(caller: Caller): View
  detach(session: number, sink: NoticeSink): void
  /** What is told of bugs. */
  readonly logger: Logger
  readonly instance: string
  onClose(connection: Connection): void
}

/** How long calls that change something get at the end, ms; a commit takes a few. */
const DRAIN_MS = 2_000

/** One connection. */
export class Connection {
  readonly #shared: Shared
  readonly #caller: Caller
  readonly #view: View
  readonly #link: MessageLink<ServerMessage>
  readonly #pending = new Map<number, Pending>()
  readonly #adopted = new Set<number>()
  /** Calls under way that change something. Polls are not among them: they may park for ever. */
  readonly #writes = new Set<Promise<void>>()
  #pendingBytes = 0
  #held = false
  #greeted = false
  readonly #helloTimer: NodeJS.Timeout

  /** @param open Makes the link to the peer, which tells what arrives from then on. */
  constructor(
    open: (events: LinkEvents<ClientMessage>) => MessageLink<ServerMessage>,
    caller: Caller,
    shared: Shared,
  ) {
    this.#shared = shared
    this.#caller = caller
    this.#view = shared.viewOf(caller)
    this.#link = open({
      onMessage: (message, bytes) => this.#onMessage(message, bytes),
      onClose: () => this.#onClose(),
    })
    this.#helloTimer = setTimeout(() => this.#link.destroy(), HELLO_TIMEOUT_MS)
    this.#helloTimer.unref()
    caller.ended?.addEventListener('abort', this.#end, { once: true })
  }

  /** The caller's credential counts no more. */
  readonly #end = (): void => {
    const error = this.#caller.ended?.reason as PerdureError
    this.#link.end(['fatal', errorRecord(error)], error)
  }

  /** Takes no more calls, lets those that change something be answered, and ends the connection. */
  async drain(): Promise<void> {
    this.#link.hold()
    let late: NodeJS.Timeout | undefined
    const tooLate = new Promise<void>((resolve) => {
      late = setTimeout(resolve, DRAIN_MS)
    })
    await Promise.race([Promise.allSettled(this.#writes), tooLate])
    clearTimeout(late)
    this.#link.end()
  }

  #onMessage(message: ClientMessage, bytes: number): void {
    if (!this.#greeted) {
      if (message[0] !== 'hello') throw malformed('a hello first', `\`${message[0]}\``)
      this.#greet(message[1])
      return
    }
    this.#dispatch(message, bytes)
  }

  #greet(peer: Hello): void {
    clearTimeout(this.#helloTimer)
    assertHello(peer)
    this.#greeted = true
    this.#send(['hello', hello(this.#shared.instance)])
  }

  #dispatch(message: ClientMessage, bytes: number): void {
    switch (message[0]) {
      case 'call':
        this.#call(message[1], message[2], message[3], bytes)
        break
      case 'open':
        this.#open(message[1], message[2], message[3], message[4], bytes)
        break
      case 'credit':
        this.#credit(message[1], message[2])
        break
      case 'cancel':
        this.#pending.get(message[1])?.abort()
        break
      case 'tell':
        this.#tell(message[1], message[2])
        break
      case 'beat':
        this.#beat(message[1], message[2], message[3], bytes)
        break
      case 'hello':
        throw malformed('one hello', 'a second one')
    }
  }

  #call(id: number, name: string, values: readonly unknown[], bytes: number): void {
    const answering = this.#answer(id, bytes, (pending) => {
      const method = this.#method(name, 'call', values)
      const act = () => perform(method, this.#context(pending), values)
      return method === 'list' ? this.#list(pending, act) : act()
    })
    if (!isMethod(name) || METHODS[name].effect === 'read' || name === 'session.poll') return
    this.#writes.add(answering)
    void answering.then(() => this.#writes.delete(answering))
  }

  /** The answer is made ready within the same turn: that takes longer than the reading. */
  #list(pending: Pending, act: () => unknown): Promise<unknown> {
    return this.#view.inTurn(async () => {
      if (pending.signal.aborted) throw cancelled()
      const answer = await act()
      return this.#link.prepare === undefined ? answer : this.#link.prepare('list', answer)
    })
  }

  #beat(id: number, worker: unknown, tokens: readonly unknown[], bytes: number): void {
    void this.#answer(id, bytes, async () => {
      this.#view.authorize('session.heartbeat', [worker, tokens])
      const session = await this.#view.sessions.open(workerName(worker))
      return session.heartbeat(strings(tokens))
    })
  }

  #tell(name: string, values: readonly unknown[]): void {
    const method = this.#method(name, 'tell', values)
    try {
      HANDLERS[method](this.#context(new Pending(0, 0)), values)
    } catch {
      // Nobody waits for an answer; a session that is gone has nothing to be told.
    }
  }

  #method(name: string, form: MethodForm, values: readonly unknown[]): MethodName {
    if (!isMethod(name) || METHODS[name].form !== form) {
      throw malformed(`a ${form} of this version`, JSON.stringify(name.slice(0, 40)))
    }
    assertArguments(name, values)
    this.#view.authorize(name, values)
    // what is only told cannot be refused
    if (form !== 'tell') this.#view.allowance.pay(name, values)
    return name
  }

  /** Carries out a call and sends its answer, whatever it is. */
  #answer(id: number, bytes: number, act: (pending: Pending) => unknown): Promise<void> {
    const pending = this.#admit(id, bytes, 0)
    return pending === undefined ? Promise.resolve() : this.#settle(id, pending, act)
  }

  async #settle(id: number, pending: Pending, act: (pending: Pending) => unknown): Promise<void> {
    try {
      const value = await act(pending)
      this.#finish(id, pending)
      this.#send(['reply', id, value ?? null])
    } catch (thrown) {
      this.#finish(id, pending)
      this.#send(['refuse', id, wireError(thrown, this.#shared.logger)])
    }
  }

  #open(id: number, name: string, values: readonly unknown[], credit: number, bytes: number): void {
    const pending = this.#admit(id, bytes, Math.min(credit, MAX_CREDIT))
    if (pending !== undefined) void this.#pump(id, pending, name, values)
  }

  /** Moves items from a stream's source to the peer, never more than it has room for. */
  async #pump(id: number, pending: Pending, name: string, values: readonly unknown[]): Promise<void> {
    const { signal } = pending
    try {
      const method = this.#method(name, 'stream', values)
      const source = HANDLERS[method](this.#context(pending), values) as AsyncIterable<unknown>
      for await (const item of source) {
        if (signal.aborted) break
        while (pending.credit === 0 && !signal.aborted)
          await new Promise<void>((resolve) => (pending.onCredit = resolve))
        await this.#link.drained()
        if (signal.aborted) break
        pending.credit -= 1
        this.#send(['item', id, item])
      }
      this.#finish(id, pending)
      this.#send(['end', id])
    } catch (thrown) {
      this.#finish(id, pending)
      this.#send(['refuse', id, wireError(thrown, this.#shared.logger)])
    }
  }

  #credit(id: number, more: number): void {
    const pending = this.#pending.get(id)
    // The stream may have ended meanwhile.
    if (pending === undefined) return
    pending.credit = Math.min(pending.credit + more, MAX_CREDIT)
    pending.wake()
  }

  #admit(id: number, bytes: number, credit: number): Pending | undefined {
    if (this.#pending.has(id)) throw malformed('an id that is not in use', String(id))
    if (this.#pending.size >= MAX_PENDING) {
      const error = perdureError('OVERLOADED', {
        expected: `at most ${MAX_PENDING} calls under way in one connection`,
        found: 'one more',
        fix: 'Wait for some of them to be answered',
      })
      this.#send(['refuse', id, errorRecord(error)])
      return undefined
    }
    const pending = new Pending(bytes, credit)
    this.#pending.set(id, pending)
    this.#pendingBytes += bytes
    if (!this.#held && this.#pendingBytes > MAX_PENDING_BYTES) {
      this.#held = true
      this.#link.hold()
    }
    return pending
  }

  #finish(id: number, pending: Pending): void {
    this.#pending.delete(id)
    this.#pendingBytes -= pending.bytes
    if (this.#held && this.#pendingBytes <= MAX_PENDING_BYTES / 2) {
      this.#held = false
      this.#link.resume()
    }
  }

  /** Sends, and if the answer itself cannot be sent, says so instead. */
  #send(message: ServerMessage): void {
    try {
      this.#link.send(message)
    } catch (thrown) {
      if (message[0] === 'hello' || message[0] === 'fatal') throw thrown
      this.#pending.get(message[1])?.abort()
      if (message[0] === 'reply' || message[0] === 'item')
        this.#link.send(['refuse', message[1], wireError(thrown, this.#shared.logger)])
    }
  }

  readonly #sink: NoticeSink = (session, notice) => this.#send(['notice', session, notice])

  readonly #adopt = (session: number): NoticeSink => {
    this.#adopted.add(session)
    return this.#sink
  }

  #context(pending: Pending): HandlerContext {
    return new CallContext(this.#view, this.#adopt, pending)
  }

  #onClose(): void {
    clearTimeout(this.#helloTimer)
    this.#caller.ended?.removeEventListener('abort', this.#end)
    for (const pending of this.#pending.values()) pending.abort()
    for (const session of this.#adopted) this.#shared.detach(session, this.#sink)
    this.#shared.onClose(this)
  }
}
