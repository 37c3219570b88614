/**
 * A link over an exchange: the same messages as over a local socket, in frames of the network protocol.
 *
 * Owns: batching, the pressure that a slow peer exerts, and how much may be unsent. A frame is made when the transport
 * asks for one, of all that has gathered until then: at least a turn of the event loop, and as much as comes while
 * the frame before is being written. What messages look like is its end's to know (client-end, server-end).
 */
import { PerdureError } from '../../errors.ts'
import { malformed } from '../json.ts'
import { MAX_FRAME_BYTES, MAX_UNSENT_BYTES } from '../limits.ts'
import type { LinkEvents, MessageLink } from '../link.ts'

/** A message as it travels, and about how many bytes it takes. */
export interface Encoded<Wire> {
  readonly message: Wire
  readonly bytes: number
}

/** A message as it arrived. */
export interface Decoded<In> {
  readonly message: In
  readonly bytes: number
}

/** What one end makes of messages. */
export interface End<In, Out, WireIn, WireOut> {
  /** Throws for a message that cannot be sent. */
  encode(message: Out): Encoded<WireOut>
  /** Throws PROTOCOL for a message that breaks the form; answers nothing for one that was dealt with. */
  decode(message: WireIn): Decoded<In> | undefined
  /** The last message of an end that gives up; nothing where it just leaves. */
  fatal(error: PerdureError): Out | undefined
}

/** Messages go on into one frame until it has this many bytes. */
const FRAME_BYTES = 256 * 1024
/** What a message takes besides the bytes it carries. */
export const MESSAGE_OVERHEAD = 64
/** Largest frame as a whole: one message at its limit, and a frame's worth before it. */
export const MOST_FRAME_BYTES = MAX_FRAME_BYTES + FRAME_BYTES + 64 * 1024

/** One end of an exchange. */
export class ExchangeLink<In, Out, WireIn, WireOut> implements MessageLink<Out> {
  readonly #end: End<In, Out, WireIn, WireOut>
  readonly #events: LinkEvents<In>
  /** Whether to stop reading while the peer does not take what is sent; only one end may. */
  readonly #holdsWhenCongested: boolean
  #waiting: Encoded<WireOut>[] = []
  #waitingBytes = 0
  #isTurnDue = false
  /** Wakes the transport that waits for a frame. */
  #wake: (() => void) | undefined
  #isEnding = false
  #isClosed = false
  #error: PerdureError | undefined
  #held = 0
  #resumed: (() => void) | undefined
  #drained: (() => void)[] = []

  constructor(end: End<In, Out, WireIn, WireOut>, events: LinkEvents<In>, holdsWhenCongested: boolean) {
    this.#end = end
    this.#events = events
    this.#holdsWhenCongested = holdsWhenCongested
  }

  get closed(): boolean {
    return this.#isClosed
  }

  get congested(): boolean {
    return this.#waitingBytes > MAX_UNSENT_BYTES
  }

  send(message: Out): void {
    const encoded = this.#end.encode(message)
    if (this.#isClosed || this.#isEnding) return
    this.#waiting.push(encoded)
    this.#waitingBytes += encoded.bytes
    if (this.#isTurnDue || this.#wake === undefined) return
    this.#isTurnDue = true
    setImmediate(() => {
      this.#isTurnDue = false
      this.#wake?.()
    })
  }

  drained(): Promise<void> {
    if (this.#isClosed || !this.congested) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  hold(): void {
    this.#held += 1
  }

  resume(): void {
    this.#held -= 1
    if (this.#held === 0) this.#resumed?.()
  }

  end(message?: Out, error?: PerdureError): void {
    if (this.#isClosed || this.#isEnding) return
    this.#error = error
    if (message !== undefined) this.send(message)
    this.#isEnding = true
    this.#wake?.()
  }

  destroy(): void {
    this.close()
  }

  /** The exchange is over, whoever ended it. */
  close(error?: PerdureError): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#error ??= error
    this.#waiting = []
    this.#waitingBytes = 0
    this.#wake?.()
    this.#resumed?.()
    this.#wakeProducers()
    this.#events.onClose(this.#error)
  }

  /** Frames to send, one whenever the transport takes it; ends with the exchange. */
  async *frames(): AsyncGenerator<WireOut[], void, undefined> {
    while (!this.#isClosed) {
      if (this.#waiting.length > 0 && !this.#isTurnDue) yield this.#take()
      else if (this.#isEnding && this.#waiting.length === 0) return
      else await this.#woken()
    }
  }

  /** Takes what arrived until it is over. Stops taking while it is held, which in the end stops the peer. */
  async receive(frames: AsyncIterable<{ readonly messages: readonly WireIn[] }>): Promise<void> {
    for await (const { messages } of frames) {
      for (const message of messages) {
        if (this.#isClosed || this.#isEnding) return
        this.#deliver(message)
      }
      while (this.#isHeld() && !this.#isClosed) await this.#untilResumed()
    }
  }

  #deliver(wire: WireIn): void {
    try {
      const decoded = this.#end.decode(wire)
      if (decoded !== undefined) this.#events.onMessage(decoded.message, decoded.bytes)
    } catch (thrown) {
      const error =
        thrown instanceof PerdureError
          ? thrown
          : malformed('a message', 'one that could not be handled', thrown)
      this.end(this.#end.fatal(error), error)
    }
  }

  #take(): WireOut[] {
    let bytes = 0
    let count = 0
    for (const message of this.#waiting) {
      if (count > 0 && bytes + message.bytes > FRAME_BYTES) break
      bytes += message.bytes
      count += 1
    }
    const taken = this.#waiting.splice(0, count)
    this.#waitingBytes -= bytes
    if (!this.congested) this.#wakeProducers()
    return taken.map(({ message }) => message)
  }

  #isHeld(): boolean {
    return this.#held > 0 || (this.#holdsWhenCongested && this.congested)
  }

  #wakeProducers(): void {
    const drained = this.#drained
    this.#drained = []
    for (const resolve of drained) resolve()
    if (this.#held === 0) this.#resumed?.()
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  async #untilResumed(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#resumed = resolve
    })
    this.#resumed = undefined
  }
}
