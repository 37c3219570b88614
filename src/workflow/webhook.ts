/**
 * webhook: tells a server of a question that a workflow asks a person. One way for `notify` among any others.
 */
import { perdureError } from '../errors.ts'
import { Outbound } from '../runtime/outbound.ts'
import { SIGNATURE_HEADER, signatureOf } from '../runtime/signature.ts'
import { type Duration, parseDuration } from '../std/duration.ts'
import { checkKnown, invalidOption, nonEmptyText, readNetworks } from '../std/options.ts'
import type { HumanNotice } from './human.ts'

/** The options of {@link webhook}. */
export interface WebhookOptions {
  /** Gets a POST with the notice as JSON. */
  readonly url: string
  /** Signs each call: `perdure-signature: t=<seconds>,v1=<hex of HMAC-SHA256 of "t.body">`. */
  readonly secret?: string
  readonly headers?: Readonly<Record<string, string>>
  /** How long one call may take. Default 10 s. */
  readonly timeout?: Duration
  /** Networks besides the public internet that the address may be in, without TLS as well: `['10.1.0.0/16']`. Default: none. */
  readonly allow?: readonly string[]
}

/** Nothing of the answer is looked at but its status. */
const MOST_ANSWER = 64 * 1024

/**
 * Makes a `notify` of an address. It goes to the public internet over TLS only, whatever its name resolves to, unless its network is allowed;
 * redirects are not followed. An answer other than 2xx fails the try, and the step tries again.
 *
 * @throws INVALID_OPTION, INVALID_DURATION.
 */
export function webhook(options: WebhookOptions): (notice: HumanNotice) => Promise<void> {
  checkKnown('webhook', options, ['url', 'secret', 'headers', 'timeout', 'allow'])
  const { secret, headers = {}, timeout = '10s', allow = [] } = options
  const url = readUrl(options.url)
  const timeoutMs = parseDuration(timeout, 'webhook timeout')
  if (secret !== undefined) nonEmptyText('webhook secret', secret)
  const outbound = new Outbound({ to: 'public', allow: readNetworks('webhook allow', allow) })
  return async (notice) => {
    const body = JSON.stringify(notice)
    const signed = secret === undefined ? {} : { [SIGNATURE_HEADER]: signatureOf(secret, body, Date.now()) }
    const { status } = await outbound.send({
      ...{ url, method: 'POST', body, most: MOST_ANSWER },
      headers: { 'content-type': 'application/json', ...headers, ...signed },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (status < 200 || status > 299) throw refused(url, status)
  }
}

function readUrl(given: unknown): URL {
  const url = typeof given === 'string' ? URL.parse(given) : null
  if (url === null) throw invalidOption('webhook url', 'an address such as https://example.com/hook', given)
  return url
}

function refused({ hostname }: URL, status: number) {
  return perdureError('UNAVAILABLE', {
    expected: `${hostname} to take the call`,
    found: `status ${status}`,
    fix: 'See what its log says',
  })
}
