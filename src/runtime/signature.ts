/**
 * Signatures of calls to others: whoever shares a secret can tell that a call is ours, whole, and of now.
 */
import { createHmac } from 'node:crypto'

/** The header that carries the signature. */
export const SIGNATURE_HEADER = 'perdure-signature'

/**
 * `t=<seconds>,v1=<hex of HMAC-SHA256 of "t.body">`.
 *
 * @param now epoch ms.
 */
export function signatureOf(secret: string, body: string, now: number): string {
  const seconds = Math.floor(now / 1_000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}
