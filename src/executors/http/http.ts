/**
 * Runs attempts as HTTP requests: to one address, with the input of the job as its body; or to the address that the job names.
 *
 * Owns: what is sent, its signature, and what a status means. Connections are runtime/outbound.ts.
 */
import type { Outcome } from '../../core/model/outcome.ts'
import { perdureError } from '../../errors.ts'
import { Outbound, type OutboundAnswer } from '../../runtime/outbound.ts'
import { SIGNATURE_HEADER, signatureOf } from '../../runtime/signature.ts'
import { type Duration, parseDuration } from '../../std/duration.ts'
import { checkKnown, nonEmptyText, readNetworks, wholeNumber } from '../../std/options.ts'
import {
  CallExecutor,
  type Caller,
  failure,
  httpUrl,
  jsonOrText,
  readRetryAfter,
  throttled,
} from '../call/call.ts'
import type { Attempt, AttemptControl, Executor } from '../executor.ts'
import { type HttpInput, readHttpInput } from './input.ts'

/** The options of {@link createHttpExecutor}. */
export interface HttpOptions {
  /** Where every job of the kind goes, with its input as the body, in JSON. Default: each job names its own, as {@link HttpInput}. */
  readonly url?: string
  /** Default `POST`. */
  readonly method?: string
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Signs every request: `perdure-signature: t=<seconds>,v1=<hex of HMAC-SHA256 of "t.body">`. */
  readonly secret?: string
  /** How long one request may take. Default 5 min; the job's own time limits hold besides. */
  readonly timeout?: Duration
  /** Most bytes of an answer. Default 1 MiB. */
  readonly maxAnswer?: number
  /**
   * Networks that jobs may name besides the public internet, without TLS as well: `['10.1.0.0/16']`. Default: none, so that whoever makes jobs does not
   * reach what only the worker can. The executor's own `url` may be anywhere.
   */
  readonly allow?: readonly string[]
}

const KNOWN = ['url', 'method', 'headers', 'secret', 'timeout', 'maxAnswer', 'allow']
const MEBIBYTE = 1_048_576

/**
 * Makes an executor of HTTP requests. An answer of 2xx is the result of the job: its JSON, or its text; where the job named the address,
 * `{ status, headers, body }`. 408, 425, 429 and 503 are made again later, after `Retry-After` where that is said; 429 burns no attempt. Other 5xx and missing
 * answers are tried again as the job's policy says; everything else is final. Redirects are not followed.
 *
 * @throws INVALID_OPTION, INVALID_DURATION.
 */
export function createHttpExecutor(options: HttpOptions = {}): Executor {
  checkKnown('createHttpExecutor', options, KNOWN)
  return new CallExecutor(new HttpCaller(options))
}

class HttpCaller implements Caller {
  readonly name = 'http'
  readonly #options: HttpOptions
  readonly #url: string | undefined
  readonly timeoutMs: number
  readonly #most: number
  readonly outbound: Outbound

  constructor(options: HttpOptions) {
    const { url, timeout = '5m', maxAnswer = MEBIBYTE, allow = [], secret } = options
    if (url !== undefined) httpUrl('http url', url)
    if (secret !== undefined) nonEmptyText('http secret', secret, 4_096)
    this.#options = options
    this.#url = url
    this.timeoutMs = Math.max(1, parseDuration(timeout, 'http timeout'))
    this.#most = wholeNumber('http maxAnswer', maxAnswer, 1, 64 * MEBIBYTE)
    this.outbound = new Outbound({
      to: url === undefined ? 'public' : 'any',
      allow: readNetworks('http allow', allow),
    })
  }

  async call(attempt: Attempt, control: AttemptControl, signal: AbortSignal): Promise<Outcome> {
    const { method, headers, secret } = this.#options
    const own: HttpInput =
      this.#url === undefined ? readHttpInput(attempt.input) : { url: this.#url, body: attempt.input ?? null }
    const url = new URL(own.url)
    const body = bodyOf(own.body)
    const sent = {
      ...(own.body === undefined || typeof own.body === 'string'
        ? {}
        : { 'content-type': 'application/json' }),
      ...headers,
      ...own.headers,
      ...markOf(attempt),
      ...(secret === undefined ? {} : { [SIGNATURE_HEADER]: signatureOf(secret, body ?? '', Date.now()) }),
    }
    const call = {
      url,
      method: own.method ?? method ?? 'POST',
      headers: sent,
      body,
      signal,
      most: this.#most,
    }
    const answer = await this.outbound.send(call)
    return this.#outcomeOf(answer, url, attempt, control)
  }

  #outcomeOf(answer: OutboundAnswer, url: URL, attempt: Attempt, control: AttemptControl): Outcome {
    const { status, headers } = answer
    if (status >= 200 && status < 300) {
      const body = readBody(answer)
      return {
        type: 'succeeded',
        result: this.#url === undefined ? { status, headers: plain(headers), body } : body,
      }
    }
    const retryAfterMs = readRetryAfter(headers['retry-after'], Date.now())
    if (status === 429) return throttled(attempt, control, { what: url.host, retryAfterMs })
    const outcome = failure(statusError(answer, url), LATER.has(status) || isBroken(status))
    return retryAfterMs === undefined || outcome.type !== 'failed' ? outcome : { ...outcome, retryAfterMs }
  }
}

/** Statuses that say that another time may do. */
const LATER: ReadonlySet<number> = new Set([408, 425])

/** The server failed, rather than the request. 501 and 505 say that it will never know how. */
const isBroken = (status: number): boolean => status >= 500 && status !== 501 && status !== 505

/** Tells the server which job it is, so that it can tell a second try from a second job. */
function markOf({ namespace, job, attempt }: Attempt): Record<string, string> {
  return {
    'idempotency-key': `perdure-${encodeURIComponent(namespace)}-${job}`,
    'perdure-job': `${job}`,
    'perdure-attempt': `${attempt}`,
  }
}

function bodyOf(body: unknown): string | undefined {
  return body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
}

function readBody({ headers, body }: OutboundAnswer): unknown {
  return /[/+]json\b/i.test(headers['content-type'] ?? '') ? jsonOrText(body) : body.toString('utf8')
}

function plain(headers: OutboundAnswer['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}

/** Most characters of an answer that an error shows. */
const MOST_SHOWN = 500

function statusError({ status, headers, body }: OutboundAnswer, url: URL) {
  const text = body.toString('utf8').slice(0, MOST_SHOWN).trim()
  const isRedirect = status >= 300 && status < 400
  const where = isRedirect ? ` to ${headers.location ?? 'nowhere'}` : text === '' ? '' : `: ${text}`
  return perdureError('HANDLER_FAILED', {
    expected: `${url.host} to answer with 2xx`,
    found: `${status}${where}`,
    fix: isRedirect ? 'Redirects are not followed: name the address itself' : 'See what the server says',
    data: { status },
  })
}
