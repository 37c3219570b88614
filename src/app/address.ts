/**
 * Addresses: what the one string that says where jobs live can look like.
 */
import { type PerdureError, perdureError } from '../errors.ts'
import { describeValue } from '../std/options.ts'

/** A place where jobs live. */
export type Address =
  | { readonly type: 'memory' }
  | { readonly type: 'sqlite'; readonly path: string }
  | { readonly type: 'unix'; readonly path: string }

const FIX =
  "Use 'memory:', 'sqlite:./app.db', 'sqlite::memory:', or 'unix:/path/to.sock' for a process that owns the store"

/**
 * Reads an address.
 *
 * `sqlite:` and `unix:` are followed by a path as the file system takes it; `sqlite:///abs` means `/abs`.
 *
 * @throws INVALID_URL
 */
export function parseAddress(url: unknown): Address {
  if (typeof url !== 'string') throw invalid(describeValue(url), FIX)
  if (url === 'memory:') return { type: 'memory' }
  const [, scheme = '', rest = ''] = /^(sqlite|unix):(.*)$/s.exec(url) ?? []
  if (scheme === '') throw invalid(withoutSecrets(url), FIX)
  const path = rest.replace(/^\/\/(?=\/)/, '')
  if (path.startsWith('//'))
    throw invalid(describeValue(url), `Did you mean '${scheme}:${path.slice(2)}'? ${FIX}`)
  if (path === '' || path.includes('\0'))
    throw invalid(describeValue(url), `Give the path after '${scheme}:'. ${FIX}`)
  if (path.includes('?'))
    throw invalid(describeValue(url), 'Give options as the second argument of open, not in the address')
  return scheme === 'unix' ? { type: 'unix', path } : { type: 'sqlite', path }
}

function invalid(found: string, fix: string): PerdureError {
  return perdureError('INVALID_URL', {
    expected: 'the address of a store or of a process that owns one',
    found,
    fix,
  })
}

/** The address of another system may hold a password. */
function withoutSecrets(url: string): string {
  return describeValue(url.replace(/\/\/[^/@]*@/, '//...@'))
}
