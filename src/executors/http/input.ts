/**
 * The input of jobs that name the address they go to.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import { describeValue } from '../../std/options.ts'

/** One request. */
export interface HttpInput {
  /** `https://...`, on the public internet unless the executor allows more. */
  readonly url: string
  /** Default: that of the executor, or `POST`. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A text as it is, anything else as JSON. Default: none. */
  readonly body?: unknown
}

/** Headers that belong to the connection, or that say who calls. */
const RESERVED =
  /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|proxy-.*|perdure-.*)$/i

/** Checks the input of a job. @throws INVALID_INPUT. */
export function readHttpInput(input: unknown): HttpInput {
  const { url, method, headers = {}, body } = (input ?? {}) as Partial<HttpInput>
  if (typeof url !== 'string' || !URL.canParse(url)) throw wrong('url to be an https URL', url)
  const { username, password } = new URL(url)
  if (username !== '' || password !== '') throw wrong('url to hold no credentials', 'some')
  if (method !== undefined && (typeof method !== 'string' || !/^[A-Z]{1,16}$/.test(method)))
    throw wrong('method to be one such as PUT', method)
  if (typeof headers !== 'object' || headers === null) throw wrong('headers to be an object', headers)
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]{1,128}$/.test(name) || RESERVED.test(name))
      throw wrong('headers to be of one’s own', name)
    if (typeof value !== 'string' || /[^\t\x20-\x7e\x80-\xff]/.test(value))
      throw wrong(`the header ${name} to be a line of text`, value)
  }
  return {
    url,
    headers,
    ...(method === undefined ? {} : { method }),
    ...(body === undefined ? {} : { body }),
  }
}

function wrong(expected: string, found: unknown): PerdureError {
  return perdureError('INVALID_INPUT', {
    expected,
    found: describeValue(found),
    fix: 'Correct the input of the job, and enqueue it again',
  })
}
