/**
 * One connected peer: messages in, messages out.
 *
 * Owns: the interface of a link, and the link over a local socket: batching (all frames of one turn of the event
 * loop leave in one write), the check of incoming frames, and the pressure that a slow peer exerts. Knows nothing of
 * calls and streams.
 */
import type { Socket } from 'node:net'
import { PerdureError } from '../errors.ts'
import { assertFits, FrameReader, joinFrames } from './frames.ts'
import { encodeExact, malformed } from './json.ts'
import { MAX_UNSENT_BYTES } from './limits.ts'
import type { MethodName } from './methods.ts'

/** What a link tells its owner. */
export interface LinkEvents<In> {
  /** A message of so many bytes arrived. Throwing a PROTOCOL error closes the link. */
  onMessage(message: In, bytes: number): void
  /** The link is gone; called once. `error` is set when this end gave up because of what the peer sent. */
  onClose(error: PerdureError | undefined): void
}

/** A connected peer, whatever carries the messages. */
export interface MessageLink<Out> {
  readonly closed: boolean
  /** Whether so much is unsent that producers should wait for {@link drained}. */
  readonly congested: boolean
  /** Queues a message for this turn. Throws for one that cannot be sent; a closed link swallows it. */
  send(message: Out): void
  /** Makes the answer of a method ready in parts, where making it in one go would take long; it is sent like any other. */
  prepare?(method: MethodName, answer: unknown): Promise<unknown>
  /** Resolves once the peer has taken enough, or the link is gone. */
  drained(): Promise<void>
  /** Stops reading until as many {@link resume} came. */
  hold(): void
  /** Undoes one {@link hold}. */
  resume(): void
  end(message?: Out, error?: PerdureError): void
  /** Closes at once. */
  destroy(): void
}

/** Frames over one socket. */
export class Link<In, Out extends readonly unknown[]> implements MessageLink<Out> {
  readonly #socket: Socket
  readonly #read: (message: unknown) => In
  readonly #events: LinkEvents<In>
  readonly #reader = new FrameReader()
  #unsent: string[] = []
  #unsentLength = 0
  #scheduled = false
  #closed = false
  #ending = false
  #error: PerdureError | undefined
  #held = 0
  readonly #holdsWhenCongested: boolean
  #congestionHold = false
  #drained: (() => void)[] = []

  /**
   * @param read Checks the form of what arrives; throws PROTOCOL.
   * @param holdsWhenCongested Stop reading while the peer does not take what is sent. Only one end may do so,
   * or both could wait for each other for ever: the server does.
   */
  constructor(
    socket: Socket,
    read: (message: unknown) => In,
    events: LinkEvents<In>,
    holdsWhenCongested: boolean,
  ) {
    this.#socket = socket
    this.#read = read
    this.#events = events
    this.#holdsWhenCongested = holdsWhenCongested
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('drain', () => this.#onDrain())
    // A reset peer is an ordinary end; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
  }

  get closed(): boolean {
    return this.#closed
  }

  get congested(): boolean {
    return this.#socket.writableLength + this.#unsentLength > MAX_UNSENT_BYTES
  }

  /** Queues a message for this turn's write. Throws TOO_LARGE and NOT_SERIALIZABLE. */
  send(message: Out): void {
    this.#queue(message)
  }

  #queue(message: readonly unknown[]): void {
    const body = encodeExact(message)
    assertFits(body)
    if (this.#closed || this.#ending) return
    this.#unsent.push(body)
    this.#unsentLength += body.length
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  /** Writes what this turn has gathered. */
  flush(): void {
    this.#scheduled = false
    if (this.#unsent.length === 0 || this.#closed) return
    const bytes = joinFrames(this.#unsent)
    this.#unsent = []
    this.#unsentLength = 0
    this.#socket.write(bytes)
    if (this.#holdsWhenCongested && this.congested && !this.#congestionHold) {
      this.#congestionHold = true
      this.hold()
    }
  }

  drained(): Promise<void> {
    if (this.#closed || !this.congested) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  hold(): void {
    this.#held += 1
    if (this.#held === 1) this.#socket.pause()
  }

  resume(): void {
    this.#held -= 1
    if (this.#held === 0) this.#socket.resume()
  }

  end(message?: Out, error?: PerdureError): void {
    this.#end(message, error)
  }

  #end(message: readonly unknown[] | undefined, error: PerdureError | undefined): void {
    if (this.#closed || this.#ending) return
    this.#error = error
    if (message !== undefined) this.#queue(message)
    this.flush()
    this.#ending = true
    this.#socket.removeAllListeners('data')
    this.#socket.resume()
    // destroySoon waits for the bytes to leave; a peer that does not read must not keep the socket for ever.
    this.#socket.setTimeout(1_000, () => this.#socket.destroy())
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#closed || this.#ending) return
        this.#events.onMessage(this.#read(frame.message), frame.bytes)
      }
    } catch (thrown) {
      const error =
        thrown instanceof PerdureError
          ? thrown
          : malformed('a message', 'one that could not be handled', thrown)
      this.#end(['fatal', { code: error.code, message: error.message }], error)
    }
  }

  #onDrain(): void {
    if (this.congested) return
    if (this.#congestionHold) {
      this.#congestionHold = false
      this.resume()
    }
    this.#wakeProducers()
  }

  #onClose(): void {
    this.#closed = true
    this.#unsent = []
    this.#wakeProducers()
    this.#events.onClose(this.#error)
  }

  #wakeProducers(): void {
    const waiting = this.#drained
    this.#drained = []
    for (const resolve of waiting) resolve()
  }
}
