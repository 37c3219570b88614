/**
 * Signature Version 4 of AWS: what proves to a service of theirs who calls.
 */
import { createHash, createHmac } from 'node:crypto'

/** Who calls. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of credentials that last for a while. */
  readonly sessionToken?: string
}

/** What is signed. */
export interface SignedRequest {
  readonly method: string
  readonly url: URL
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly region: string
  readonly service: string
}

/**
 * The headers of a request, with those that sign it.
 *
 * @param now epoch ms; the service takes no signature that is more than some minutes off.
 */
export function signRequest(
  { method, url, headers, body, region, service }: SignedRequest,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  now: number,
): Record<string, string> {
  const time = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const signed: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  }
  const names = Object.keys(signed).sort()
  const lines = names.map((name) => `${name}:${(signed[name] as string).trim().replace(/ +/g, ' ')}\n`)
  const query = [...url.searchParams].map((pair) => pair.map(encode).join('=')).sort()
  const path = url.pathname.split('/').map(encode).join('/')
  const whole = [method, path, query.join('&'), lines.join(''), names.join(';'), hash(body)].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, hash(whole)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(mac, `AWS4${secretAccessKey}`)
  const signature = mac(key, text).toString('hex')
  const parts = [
    `Credential=${accessKeyId}/${scope}`,
    `SignedHeaders=${names.join(';')}`,
    `Signature=${signature}`,
  ]
  return { ...signed, authorization: `AWS4-HMAC-SHA256 ${parts.join(', ')}` }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** Everything but letters, digits, `-`, `.`, `_` and `~`. What the path has encoded already is encoded once more. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
