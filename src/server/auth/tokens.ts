/**
 * Tokens over their life: made, rotated, revoked.
 *
 * Owns: how long they count, and that a rotation leaves two secrets valid for a while, never three. What is told about a
 * token never holds its secret; that is given out once, to whoever made it.
 */
import type { Grant } from '../../config/grant.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import { invalidOption, nonEmptyText } from '../../std/options.ts'
import { newSecret, newTokenId } from './token.ts'
import { changeTokens, type KeptToken } from './token-file.ts'

const DAY_MS = 86_400_000
/** How long a token counts unless it is said otherwise. */
const DEFAULT_LIFE_MS = 90 * DAY_MS
/** How long the old secret counts beside the new one unless it is said otherwise. */
const DEFAULT_OVERLAP_MS = DAY_MS
const LONGEST_LIFE_MS = 3_650 * DAY_MS
const MOST_TOKENS = 10_000

/** A token that was just made: the only moment at which its text is known. */
export interface MadeToken {
  readonly id: string
  readonly token: string
  /** Epoch ms. */
  readonly expiresAt: number
}

/** Makes a token and keeps its digest. @throws INVALID_OPTION; what `changeTokens` throws. */
export async function createToken(
  path: string,
  {
    grant,
    label,
    lifeMs = DEFAULT_LIFE_MS,
    now,
  }: { grant: Grant; label: string; lifeMs?: number; now: number },
): Promise<MadeToken> {
  nonEmptyText('label', label)
  const id = newTokenId()
  const { token, sha256 } = newSecret(id)
  const expiresAt = now + checkLife('expires', lifeMs)
  const secrets = [{ sha256, createdAt: now, expiresAt }]
  await changeTokens(path, (tokens) => {
    const live = withoutExpired(tokens, now)
    if (live.length >= MOST_TOKENS)
      throw invalidOption('the number of tokens', `at most ${MOST_TOKENS}`, live.length, 'Revoke some')
    return [...live, { id, label, grant, createdAt: now, secrets }]
  })
  return { id, token, expiresAt }
}

/** Gives a token a new secret; the one before counts for `overlapMs` more. @throws NOT_FOUND. */
export async function rotateToken(
  path: string,
  id: string,
  options: { readonly lifeMs?: number; readonly overlapMs?: number; readonly now: number },
): Promise<MadeToken> {
  const { lifeMs = DEFAULT_LIFE_MS, overlapMs = DEFAULT_OVERLAP_MS, now } = options
  const { token, sha256 } = newSecret(id)
  const expiresAt = now + checkLife('expires', lifeMs)
  await changeTokens(path, (tokens) => {
    const { secrets } = find(tokens, id)
    const old = secrets
      .slice(0, 1)
      .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt, now + overlapMs) }))
      .filter((secret) => secret.expiresAt > now)
    const rotated = [{ sha256, createdAt: now, expiresAt }, ...old]
    return withoutExpired(
      tokens.map((kept) => (kept.id === id ? { ...kept, secrets: rotated } : kept)),
      now,
    )
  })
  return { id, token, expiresAt }
}

/** Ends a token with all its secrets. @throws NOT_FOUND. */
export async function revokeToken(path: string, id: string, now: number): Promise<void> {
  await changeTokens(path, (tokens) => {
    find(tokens, id)
    return withoutExpired(
      tokens.filter((kept) => kept.id !== id),
      now,
    )
  })
}

/** Expired tokens are shown for a month, for those who look for the reason of a refusal, and then forgotten. */
const SHOWN_MS = 30 * DAY_MS

function withoutExpired(tokens: readonly KeptToken[], now: number): KeptToken[] {
  return tokens.filter(({ secrets }) => secrets.some(({ expiresAt }) => expiresAt > now - SHOWN_MS))
}

function find(tokens: readonly KeptToken[], id: string): KeptToken {
  const token = tokens.find((kept) => kept.id === id)
  if (token !== undefined) return token
  throw notFound(id)
}

function notFound(id: string): PerdureError {
  return perdureError('NOT_FOUND', {
    expected: 'the id of a token',
    found: JSON.stringify(id.slice(0, 60)),
    fix: 'See `perdure token list`',
  })
}

function checkLife(option: string, ms: number): number {
  if (ms > 0 && ms <= LONGEST_LIFE_MS) return ms
  throw invalidOption(option, 'a duration of at most ten years', ms)
}
