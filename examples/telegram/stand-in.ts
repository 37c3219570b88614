/**
 * Stands in for Telegram: as much of its Bot API as the channel uses, on this machine, and somebody who presses buttons.
 */
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A message as the bot sent it. */
export interface Message {
  readonly chat_id: number
  readonly text: string
  readonly reply_markup: {
    readonly inline_keyboard: readonly (readonly {
      readonly text: string
      readonly callback_data: string
    }[])[]
  }
}

/** What a call is answered with instead of what it asked for. */
export interface Refusal {
  readonly status: number
  readonly description: string
}

export class StandIn {
  /** What was sent, and what people were told when they had pressed. */
  readonly messages: Message[] = []
  readonly told: string[] = []
  /** Refuses the next calls of `sendMessage`, one each. */
  readonly refusals: Refusal[] = []
  readonly #server: Server
  readonly #token: string
  #updates: { readonly update_id: number; readonly callback_query: object }[] = []
  #count = 0
  #seen = 0
  #poll: (() => void) | undefined
  #changed = Promise.withResolvers<void>()

  constructor(token: string) {
    this.#token = token
    this.#server = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request) body += piece
      const method = request.url?.startsWith(`/bot${this.#token}/`)
        ? request.url.split('/').at(-1)
        : undefined
      this.#answer(method, JSON.parse(body), response)
    })
  }

  /** Begins to answer; gives its address. */
  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Resolves once the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise
  }

  /** The next message that nobody has looked at. */
  async next(): Promise<Message> {
    const at = this.#seen++
    await this.until(() => this.messages.length > at)
    return this.messages[at] as Message
  }

  /** Somebody presses a button of a message. */
  press(message: Message, text: string, username: string): void {
    const button = message.reply_markup.inline_keyboard.flat().find((each) => each.text === text)
    const update_id = ++this.#count
    const callback_query = { id: String(update_id), from: { id: 7, username }, data: button?.callback_data }
    this.#updates.push({ update_id, callback_query })
    this.#poll?.()
  }

  #answer(method: string | undefined, body: Record<string, unknown>, response: ServerResponse): void {
    const say = (status: number, said: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said))
    }
    if (method === 'getUpdates') {
      const send = (): void => {
        this.#poll = undefined
        say(200, { ok: true, result: this.#updates })
      }
      this.#updates = this.#updates.filter(({ update_id }) => update_id >= (body.offset as number))
      if (this.#updates.length > 0) send()
      else this.#poll = send
      return
    }
    const refusal = method === 'sendMessage' ? this.refusals.shift() : undefined
    if (method === undefined || refusal !== undefined) {
      const { status, description } = refusal ?? { status: 401, description: 'Unauthorized' }
      say(status, { ok: false, description })
      return
    }
    if (method === 'sendMessage') this.messages.push(body as unknown as Message)
    else this.told.push(String(body.text))
    say(200, { ok: true, result: true })
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }
}
