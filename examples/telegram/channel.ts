/**
 * A channel for human tasks over Telegram: `notify` sends a question with a button for each answer, `listen` takes the
 * presses back as answers. It uses nothing of Perdure but what everybody can: a channel of your own looks like it.
 */
import { type App, fatal, type HumanNotice, PerdureError } from '../../src/index.ts'

/** How to reach the bot, and whom it writes to. */
export interface TelegramOptions {
  /** The token of the bot, as @BotFather gave it. */
  readonly token: string
  /** The number of the chat that is asked. */
  readonly chat: number
  /** Where the Bot API is. Default: `https://api.telegram.org`. */
  readonly api?: string
  /** The answer behind each button, by what stands on it; at most ten. Default: yes and no, `true` and `false`. */
  readonly buttons?: Readonly<Record<string, unknown>>
}

/** What comes back from people: a button was pressed. */
interface Press {
  readonly update_id: number
  readonly callback_query?: {
    readonly id: string
    readonly from: { readonly username?: string; readonly id: number }
    /** The number of the button, and the token of the question: at most 64 bytes, of which it takes 55. */
    readonly data?: string
  }
}

/** How long one question for news may take, seconds; Telegram answers it at once where there is some. */
const POLL_SECONDS = 25
/** How long any call may take beside that, ms. */
const CALL_MS = 10_000
/** Before it is asked for news again after a failure, ms. */
const AGAIN_MS = 1_000

export class TelegramChannel {
  readonly #options: TelegramOptions
  readonly #answers: readonly (readonly [text: string, value: unknown])[]

  constructor(options: TelegramOptions) {
    this.#options = options
    this.#answers = Object.entries(options.buttons ?? { Yes: true, No: false }).slice(0, 10)
  }

  /** For `flow.human({ notify })`. It is called as a step: what it throws is tried again, unless it is `fatal`. */
  readonly notify = async ({ title, about, rejected, reason, token }: HumanNotice): Promise<void> => {
    const lines = [
      reason === 'asked' ? title : `${title} (${reason})`,
      ...(about === null ? [] : [JSON.stringify(about)]),
      ...(rejected === null ? [] : [`The last answer was not taken: ${rejected.reason}`]),
    ]
    const buttons = this.#answers.map(([text], index) => ({ text, callback_data: `${index} ${token}` }))
    await this.#call('sendMessage', {
      chat_id: this.#options.chat,
      text: lines.join('\n'),
      reply_markup: { inline_keyboard: [buttons] },
    })
  }

  /** Hands answers to the runs that ask, until the signal aborts. */
  async listen(app: Pick<App, 'answer'>, signal: AbortSignal): Promise<void> {
    let offset = 0
    while (!signal.aborted) {
      try {
        const news = { offset, timeout: POLL_SECONDS, allowed_updates: ['callback_query'] }
        for (const press of (await this.#call('getUpdates', news, signal)) as Press[]) {
          await this.#take(app, press)
          // asking from here on says that it was taken: one that was not comes again
          offset = press.update_id + 1
        }
      } catch {
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }

  async #take(app: Pick<App, 'answer'>, { callback_query: press }: Press): Promise<void> {
    const [, index, token] = /^(\d) (\S+)$/.exec(press?.data ?? '') ?? []
    const answer = this.#answers[Number(index)]
    if (press === undefined || token === undefined || answer === undefined) return
    const { id, from } = press
    let text = 'Thank you'
    try {
      await app.answer(token, answer[1], { by: from.username ?? String(from.id) })
    } catch (error) {
      if (!(error instanceof PerdureError) || error.code !== 'NOT_FOUND') throw error
      text = 'Nobody asks this any more'
    }
    await this.#call('answerCallbackQuery', { callback_query_id: id, text })
  }

  async #call(method: string, body: object, signal?: AbortSignal): Promise<unknown> {
    const { api = 'https://api.telegram.org', token } = this.#options
    const limit = AbortSignal.timeout(CALL_MS + (method === 'getUpdates' ? POLL_SECONDS * 1_000 : 0))
    const response = await fetch(`${api}/bot${token}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      // the token is in the address
      redirect: 'error',
    })
    const said = (await response.json()) as { ok: boolean; result?: unknown; description?: string }
    if (said.ok) return said.result
    const error = new Error(`Telegram refused ${method}: ${said.description ?? response.status}`)
    // it will say the same again, unless it has too much to do
    throw response.status < 500 && response.status !== 429 ? fatal(error) : error
  }
}
