/**
 * A link over an exchange: the same messages as over a local socket, in frames of gRPC on one stream of HTTP/2.
 *
 * Owns: batching, the pressure that a slow peer exerts, and how much may be unsent. A frame is made of all that has
 * gathered: at least a turn of the event loop, and as much as comes while the frame before is being written. What
 * arrives is delivered some messages at a time, with turns of the event loop between them. What messages look like is
 * its end's to know (client-end, server-end).
 */
import type { Duplex } from 'node:stream'
import { PerdureError } from '../../errors.ts'
import { malformed } from '../json.ts'
import { MAX_FRAME_BYTES, MAX_UNSENT_BYTES } from '../limits.ts'
import type { LinkEvents, MessageLink } from '../link.ts'
import type { MethodName } from '../methods.ts'
import { beginFrame, newCutter, sealFrame } from './grpc-frames.ts'
import { Reader } from './hot/reader.ts'
import { Writer } from './hot/writer.ts'

/** A message as it arrived, and about how many bytes it holds in memory. */
export interface Decoded<In> {
  readonly message: In
  readonly bytes: number
}

/** What one end makes of messages. */
export interface End<In, Out> {
  /** Writes the fields of a message. Throws for one that cannot be sent; what it had written is taken back. */
  write(writer: Writer, message: Out): void
  /** Reads one message. Throws PROTOCOL for one that breaks the form; answers nothing for one that was dealt with. */
  read(reader: Reader): Decoded<In> | undefined
  /** See `MessageLink.prepare`. */
  prepare?(method: MethodName, answer: unknown): Promise<unknown>
  /** The last message of an end that gives up; nothing where it just leaves. */
  fatal(error: PerdureError): Out | undefined
}

/** The path of the call, and the type of what it carries. */
export const EXCHANGE_PATH = '/perdure.v1.ExchangeService/Exchange'
export const EXCHANGE_TYPE = 'application/grpc+proto'

/** ExchangeRequest, ExchangeResponse: their only field. */
const MESSAGES = 1

/** Messages go on into one frame until it has this many bytes. */
const FRAME_BYTES = 256 * 1024
/**
 * Messages that are delivered in one turn of the event loop. Calls that came in one frame thus go on in several commits, and
 * while one is on its way the next is made: 64 calls that are made together, answered together and made anew would otherwise have
 * the disk, this process and the other one wait for each other. Fewer make commits too small to be worth a sync each.
 */
const MESSAGES_PER_TURN = 32
/** Frames that wait to be delivered: beyond so many bytes no more is read. */
const MOST_WAITING_BYTES = 256 * 1024
/** What a message takes in memory besides the bytes it carries. */
export const MESSAGE_OVERHEAD = 64
/** Largest frame as a whole: one message at its limit, and a frame's worth before it. */
export const MOST_FRAME_BYTES = MAX_FRAME_BYTES + FRAME_BYTES + 64 * 1024
/** Room for the frames of a quiet exchange: 5,000 idle workers must not cost a gigabyte. */
const FIRST_BYTES = 1024
/** What is still to be said at the end gets this long, ms. */
const LAST_WORDS_MS = 1_000
/** A buffer that has grown beyond this is not kept for the next frame. */
const KEPT_BYTES = 2 * FRAME_BYTES

/** One end of an exchange. */
export class ExchangeLink<In, Out> implements MessageLink<Out> {
  readonly #end: End<In, Out>
  readonly #events: LinkEvents<In>
  readonly #stream: Duplex
  /** Whether to stop reading while the peer does not take what is sent; only one end may. */
  readonly #holdsWhenCongested: boolean
  readonly #cutter = newCutter(MOST_FRAME_BYTES)
  /** The frame that gathers, and those before it that are full. */
  #writer = newWriter()
  #spare: Writer | undefined
  #full: Writer[] = []
  #fullBytes = 0
  /** Frames that have arrived and are not wholly delivered. */
  #arrived: Reader[] = []
  #arrivedBytes = 0
  #isDeliveryDue = false
  #isTurnDue = false
  #isWriting = false
  #isEnding = false
  #isClosed = false
  #error: PerdureError | undefined
  #holds = 0
  /** Nothing is delivered. */
  #isHeld = false
  /** Nothing is read. */
  #isPaused = false
  #drained: (() => void)[] = []

  /** @param stream What carries the frames; once it is closed, so is the link. */
  constructor(end: End<In, Out>, stream: Duplex, events: LinkEvents<In>, holdsWhenCongested: boolean) {
    this.#end = end
    this.#stream = stream
    this.#events = events
    this.#holdsWhenCongested = holdsWhenCongested
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    // a peer that ends and one that breaks off are the same here: it has gone
    for (const ending of ['end', 'error', 'close']) stream.on(ending, () => this.#onEnd())
  }

  get closed(): boolean {
    return this.#isClosed
  }

  get congested(): boolean {
    return this.#fullBytes + this.#writer.at > MAX_UNSENT_BYTES
  }

  send(message: Out): void {
    const writer = this.#writer
    const before = writer.at
    const start = writer.open(MESSAGES)
    try {
      this.#end.write(writer, message)
    } catch (error) {
      writer.at = before
      throw error
    }
    if (this.#isClosed || this.#isEnding) {
      writer.at = before
      return
    }
    writer.close(start)
    if (writer.at > FRAME_BYTES) this.#seal()
    if (this.#isTurnDue || this.#isWriting) return
    this.#isTurnDue = true
    setImmediate(() => {
      this.#isTurnDue = false
      this.#flush()
    })
  }

  async prepare(method: MethodName, answer: unknown): Promise<unknown> {
    return this.#end.prepare === undefined ? answer : this.#end.prepare(method, answer)
  }

  drained(): Promise<void> {
    if (this.#isClosed || !this.congested) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  hold(): void {
    this.#holds += 1
    this.#pauseOrResume()
  }

  resume(): void {
    this.#holds -= 1
    this.#pauseOrResume()
  }

  end(message?: Out, error?: PerdureError): void {
    if (this.#isClosed || this.#isEnding) return
    this.#error = error
    if (message !== undefined) this.send(message)
    this.#isEnding = true
    // a peer that takes nothing must not keep it for ever
    setTimeout(() => this.#stream.destroy(), LAST_WORDS_MS).unref()
    if (!this.#isWriting) this.#flush()
  }

  destroy(): void {
    this.close()
  }

  /** The exchange is over, whoever ended it. */
  close(error?: PerdureError): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#error ??= error
    this.#full = []
    this.#fullBytes = 0
    this.#writer = newWriter()
    this.#arrived = []
    if (!this.#stream.writableEnded) this.#stream.destroy()
    this.#wakeProducers()
    this.#events.onClose(this.#error)
  }

  /** Writes one frame of what has gathered, and the next when this one has been taken. */
  #flush(): void {
    if (this.#isClosed || this.#isWriting) return
    if (this.#full.length === 0) this.#seal()
    const writer = this.#full.shift()
    if (writer === undefined) {
      if (!this.#isEnding) return
      this.#stream.end()
      this.close()
      return
    }
    this.#fullBytes -= writer.at
    this.#isWriting = true
    this.#stream.write(writer.written, () => {
      this.#isWriting = false
      if (writer.bytes.length <= KEPT_BYTES) this.#spare = writer
      this.#flush()
    })
    this.#onRoom()
  }

  /** Ends the frame that gathers, if there is anything in it. */
  #seal(): void {
    if (!sealFrame(this.#writer)) return
    this.#full.push(this.#writer)
    this.#fullBytes += this.#writer.at
    this.#writer = this.#spare ?? newWriter()
    this.#spare = undefined
    beginFrame(this.#writer)
  }

  #onRoom(): void {
    if (this.congested) return
    this.#wakeProducers()
    this.#pauseOrResume()
  }

  #onData(chunk: Buffer): void {
    this.#guarded(() => {
      for (const body of this.#cutter.push(chunk)) {
        this.#arrived.push(new Reader(body))
        this.#arrivedBytes += body.length
      }
    })
    if (!this.#isDeliveryDue) this.#deliver(MESSAGES_PER_TURN)
  }

  /** What the peer said before it went still counts. */
  #onEnd(): void {
    this.#deliver(Number.POSITIVE_INFINITY)
    this.close()
  }

  /** Gives up when the peer breaks the form. */
  #guarded(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      if (this.#isClosed) return
      const error =
        thrown instanceof PerdureError
          ? thrown
          : malformed('a message', 'one that could not be handled', thrown)
      this.end(this.#end.fatal(error), error)
    }
  }

  /** Delivers as many messages, and the rest in later turns. */
  #deliver(most: number): void {
    this.#guarded(() => {
      let left = most
      while (left > 0 && this.#isTaking) {
        const frame = this.#arrived[0] as Reader
        if (frame.at < frame.end) {
          this.#deliverNext(frame)
          left -= 1
        } else {
          this.#arrived.shift()
          this.#arrivedBytes -= frame.at
        }
      }
    })
    this.#pauseOrResume()
  }

  get #isTaking(): boolean {
    return this.#arrived.length > 0 && !this.#isHeld && !this.#isClosed && !this.#isEnding
  }

  #deliverNext(frame: Reader): void {
    const { end } = frame
    if (frame.uint32() !== ((MESSAGES << 3) | 2)) throw malformed('messages in a frame', 'something else')
    frame.enter()
    const after = frame.end
    const decoded = this.#end.read(frame)
    frame.at = after
    frame.end = end
    if (decoded !== undefined) this.#events.onMessage(decoded.message, decoded.bytes)
  }

  #deliverLater(): void {
    if (this.#isDeliveryDue || !this.#isTaking) return
    this.#isDeliveryDue = true
    setImmediate(() => {
      this.#isDeliveryDue = false
      this.#deliver(MESSAGES_PER_TURN)
    })
  }

  /** Stops taking while somebody holds it, and reading while much has arrived, which in the end stops the peer. */
  #pauseOrResume(): void {
    if (this.#isClosed) return
    this.#isHeld = this.#holds > 0 || (this.#holdsWhenCongested && this.congested)
    this.#deliverLater()
    const isPaused = this.#isHeld || this.#arrivedBytes > MOST_WAITING_BYTES
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    if (isPaused) this.#stream.pause()
    else this.#stream.resume()
  }

  #wakeProducers(): void {
    const drained = this.#drained
    this.#drained = []
    for (const resolve of drained) resolve()
  }
}

function newWriter(): Writer {
  const writer = new Writer(FIRST_BYTES)
  beginFrame(writer)
  return writer
}
