/**
 * The credential that a client shows to a node.
 *
 * Owns: where it may come from: an option, a file of the user's own, the environment. Never an address or a command line,
 * which others can see. A file is read again for every connection, so that a rotated token is taken up.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { type PerdureError, perdureError } from '../../errors.ts'

/** A token, or the file that holds one. Plain data: it crosses to the thread that renews leases. */
export type Credential =
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'file'; readonly path: string }

/** What was said about it. */
export interface CredentialOptions {
  readonly token?: string
  readonly tokenFile?: string
}

const PRINTABLE = /^[\x21-\x7e]+$/
/** Shorter ones can be guessed; no node gives them out. */
const SHORTEST = 32
const LONGEST = 4_096

/**
 * The credential of the options, or else of the environment; undefined where there is none. Within a job PERDURE_TOKEN is
 * the token of the attempt, which is no credential.
 *
 * @throws INVALID_OPTION.
 */
export function findCredential(options: CredentialOptions, env: NodeJS.ProcessEnv): Credential | undefined {
  const { token, tokenFile } = options
  if (token !== undefined) return { type: 'token', token: checkToken('token', token) }
  if (tokenFile !== undefined) return { type: 'file', path: tokenFile }
  if (env.PERDURE_TOKEN && env.PERDURE_JOB === undefined)
    return { type: 'token', token: checkToken('PERDURE_TOKEN', env.PERDURE_TOKEN) }
  return env.PERDURE_TOKEN_FILE ? { type: 'file', path: env.PERDURE_TOKEN_FILE } : undefined
}

/** The headers that show a credential. @throws DENIED, NOT_FOUND or INVALID_OPTION for a file that cannot be used. */
export function headersOf(credential: Credential | undefined): Readonly<Record<string, string>> {
  if (credential === undefined) return {}
  const token = credential.type === 'token' ? credential.token : readTokenFile(credential.path)
  return { authorization: `Bearer ${token}` }
}

/** Checks a token that came in by some way; answers it without white space around it. Never says what it was. */
function checkToken(origin: string, text: string): string {
  const token = text.trim()
  if (token.length >= SHORTEST && token.length <= LONGEST && PRINTABLE.test(token)) return token
  throw perdureError('INVALID_OPTION', {
    expected: `a token of at least ${SHORTEST} printable characters in ${origin}`,
    found: token === '' ? 'nothing' : `${token.length} characters of another kind or number`,
    fix: 'Give it as `perdure token create` printed it',
    data: { option: origin },
  })
}

function readTokenFile(path: string): string {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw perdureError('NOT_FOUND', {
      expected: `a file with a token at ${path}`,
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      fix: 'Correct PERDURE_TOKEN_FILE or --token-file, or the permissions of the file',
      cause,
      data: { path },
    })
  }
  try {
    const { mode, uid } = fstatSync(descriptor)
    if ((mode & 0o077) !== 0) throw readable(path, mode, uid)
    return checkToken(path, readFileSync(descriptor, 'utf8'))
  } finally {
    closeSync(descriptor)
  }
}

function readable(path: string, mode: number, uid: number): PerdureError {
  return perdureError('DENIED', {
    expected: `that nobody else can read ${path}`,
    found: `mode ${(mode & 0o777).toString(8)}, user ${uid}`,
    fix: `chmod 600 ${path}`,
    data: { path },
  })
}
