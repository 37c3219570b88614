/** Two ends of an exchange that speak in numbers: what is delivered when. */
import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type End, ExchangeLink } from './exchange.ts'

const NUMBERS: End<number, number> = {
  write: (writer, message) => writer.append(Buffer.from(String(message))),
  read: (reader) => ({ message: Number(reader.rest().toString()), bytes: 1 }),
  fatal: () => undefined,
}
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

/** A sender, a receiver, and what the receiver was told: each turn of the event loop a list of its own. */
function pair(onMessage: (message: number) => void = () => {}) {
  const [near, far] = duplexPair()
  const turns: number[][] = []
  let count = 0
  let isSameTurn = false
  const hear = (message: number): void => {
    if (!isSameTurn) turns.push([])
    isSameTurn = true
    setImmediate(() => {
      isSameTurn = false
    })
    turns.at(-1)?.push(message)
    count += 1
    onMessage(message)
  }
  let isClosed = false
  const onClose = (): void => {
    isClosed = true
  }
  const sender = new ExchangeLink(NUMBERS, near, { onMessage: () => {}, onClose: () => {} }, false)
  const receiver = new ExchangeLink(NUMBERS, far, { onMessage: hear, onClose }, true)
  const heard = async (least: number): Promise<number[]> => {
    while (count < least) await turn()
    return turns.flat()
  }
  return { sender, receiver, far, turns, heard, isClosed: () => isClosed }
}

it('the messages of one frame are delivered in order, with turns of the event loop between them', async () => {
  const { sender, turns, heard } = pair()
  for (const message of upTo(100)) sender.send(message)
  expect(await heard(100)).toEqual(upTo(100))
  expect(turns.map(({ length }) => length)).toEqual([32, 32, 32, 4])
})

it('what was said before an end is heard', async () => {
  const { sender, far, heard, isClosed } = pair()
  for (const message of upTo(100)) sender.send(message)
  sender.end()
  await once(far, 'close')
  expect(isClosed()).toBe(true)
  expect(await heard(100)).toEqual(upTo(100))
})

it('nothing is delivered while it is held, in the middle of a frame as well', async () => {
  const { sender, receiver, heard, turns } = pair((message) => {
    if (message === 9) receiver.hold()
  })
  for (const message of upTo(100)) sender.send(message)
  await heard(10)
  for (let wait = 0; wait < 10; wait += 1) await turn()
  expect(turns.flat()).toEqual(upTo(10))
  receiver.resume()
  expect(await heard(100)).toEqual(upTo(100))
})

it('a peer that sends faster than it is heard is not read any further', async () => {
  const { sender, far, heard } = pair()
  for (const message of upTo(200_000)) sender.send(message)
  while (!far.isPaused()) await turn()
  expect(await heard(200_000)).toEqual(upTo(200_000))
  expect(far.isPaused()).toBe(false)
})
