/**
 * The file of tokens beside a store.
 *
 * Owns: its form, who may read it, and changing it as a whole: a reader sees the file before or after a change, never
 * between. Holds digests only, yet whoever could write it could let anybody in, so it is its owner's alone.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { formatGrant, type Grant, parseGrant } from '../../config/grant.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import { withFileLock } from './file-lock.ts'

/** A secret of a token, as it is kept. */
export interface KeptSecret {
  readonly sha256: string
  /** Epoch ms. */
  readonly createdAt: number
  readonly expiresAt: number
}

/** A token, as it is kept. */
export interface KeptToken {
  readonly id: string
  readonly label: string
  readonly grant: Grant
  readonly createdAt: number
  /** Newest first; two while it is being rotated. */
  readonly secrets: readonly KeptSecret[]
}

const VERSION = 1
/** Ten thousand tokens; a file that is larger is not one of tokens. */
const MOST_BYTES = 8 * 1024 * 1024

/** Where the tokens of a store's file lie. */
export function tokenFileOf(store: string): string {
  return `${store}.tokens`
}

/** Whether there is such a file. */
export function hasTokenFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

/** Tells one state of the file from the next. */
export function signatureOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 'none' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`
}

/**
 * Reads all tokens; a missing file holds none.
 *
 * @throws DENIED when others may read or write the file; INVALID_CONFIG when it is not one of tokens.
 */
export function readTokens(path: string): readonly KeptToken[] {
  if (!hasTokenFile(path)) return []
  const descriptor = openSync(path, 'r')
  try {
    assertOwn(path, fstatSync(descriptor))
    return parse(path, readFileSync(descriptor, 'utf8'))
  } finally {
    closeSync(descriptor)
  }
}

/** Changes the tokens; what `change` answers is in the file, on disk, when this resolves. @throws as {@link readTokens}. */
export function changeTokens(
  path: string,
  change: (tokens: readonly KeptToken[]) => readonly KeptToken[],
): Promise<void> {
  return withFileLock(path, () => {
    const tokens = change(readTokens(path)).map(({ grant, ...token }) => ({
      ...token,
      grant: formatGrant(grant),
    }))
    const temporary = `${path}.${process.pid}.tmp`
    const descriptor = openSync(temporary, 'w', 0o600)
    try {
      writeSync(descriptor, `${JSON.stringify({ version: VERSION, tokens }, null, 2)}\n`)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, path)
  })
}

function assertOwn(path: string, { mode, uid, size }: Stats): void {
  const self = process.getuid?.()
  if ((mode & 0o077) !== 0 || (self !== undefined && uid !== self && uid !== 0)) {
    throw perdureError('DENIED', {
      expected: `that nobody else can read or write ${path}`,
      found: `mode ${(mode & 0o777).toString(8)}, user ${uid}`,
      fix: `chmod 600 ${path}, as the user who runs the node`,
      data: { path },
    })
  }
  if (size > MOST_BYTES) throw foreign(path, `${size} bytes`)
}

function parse(path: string, text: string): readonly KeptToken[] {
  let file: { readonly version?: unknown; readonly tokens?: unknown }
  try {
    file = JSON.parse(text) as typeof file
  } catch {
    throw foreign(path, 'text that is no JSON')
  }
  if (file?.version !== VERSION || !Array.isArray(file.tokens)) throw foreign(path, 'another form')
  return file.tokens.map((token: unknown) => parseToken(path, token))
}

function parseToken(path: string, given: unknown): KeptToken {
  const { id, label, grant, createdAt, secrets } = (given ?? {}) as Record<string, unknown>
  if (
    typeof id === 'string' &&
    typeof label === 'string' &&
    typeof createdAt === 'number' &&
    Array.isArray(secrets) &&
    secrets.every(isSecret)
  )
    return { id, label, createdAt, secrets, grant: parseGrant(`the grant of token ${id}`, grant) }
  throw foreign(path, 'a token without id, label, grant, time or secrets')
}

function isSecret(given: unknown): given is KeptSecret {
  const { sha256, createdAt, expiresAt } = (given ?? {}) as Record<string, unknown>
  const isDigest = typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
  return isDigest && typeof createdAt === 'number' && typeof expiresAt === 'number'
}

function foreign(path: string, found: string): PerdureError {
  return perdureError('INVALID_CONFIG', {
    expected: `the file of tokens at ${path}`,
    found,
    fix: 'Put back a copy of it, or move it away and make new tokens with `perdure token create`',
    data: { path },
  })
}
