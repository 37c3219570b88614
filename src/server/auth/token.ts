/**
 * Tokens as text: `perdure_` id `_` secret.
 *
 * Owns: making and reading them, and comparing secrets. A secret is 32 random bytes and is kept by nobody but its
 * bearer: everyone else has its SHA-256, which is as good as slower hashes for what cannot be guessed.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const SECRET_BYTES = 32
const ID_BYTES = 6
/** 32 bytes are 43 characters; nothing shorter, longer or otherwise written is a token. */
const TOKEN = /^perdure_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

/** A token that somebody has shown. */
export interface ShownToken {
  readonly id: string
  readonly digest: Buffer
}

/** The id of a new token: tells it from others, and is no secret. */
export function newTokenId(): string {
  return randomBytes(ID_BYTES).toString('hex')
}

/** A new secret of a token: the whole text for its bearer, and the digest to keep, hexadecimal. */
export function newSecret(id: string): { readonly token: string; readonly sha256: string } {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return { token: `perdure_${id}_${secret}`, sha256: digestOf(secret).toString('hex') }
}

/** Reads a token; undefined for any text that is none. */
function readToken(text: string): ShownToken | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, digest: digestOf(secret) }
}

/** Reads the token in a header; undefined for one that holds none. */
export function readBearer(authorization: string): ShownToken | undefined {
  const [, text = ''] = /^bearer +(\S+)$/i.exec(authorization) ?? []
  return readToken(text)
}

/** Whether two digests are equal, in a time that does not depend on them. */
export function isSameDigest(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
