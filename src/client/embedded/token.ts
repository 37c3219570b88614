/**
 * Lease tokens: which job, which attempt of it, and a nonce, as one text.
 */

/** The parts of a token; undefined for what is none. */
export function parseToken(token: string): { job: number; attempt: number; nonce: string } | undefined {
  if (typeof token !== 'string') return undefined
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 0 || second < 0) return undefined
  const job = Number(token.slice(0, first))
  const attempt = Number(token.slice(first + 1, second))
  return Number.isSafeInteger(job) && Number.isSafeInteger(attempt)
    ? { job, attempt, nonce: token.slice(second + 1) }
    : undefined
}
