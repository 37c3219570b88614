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
  | { readonly type: 'node'; readonly url: string }

const FIX =
  "Use 'memory:', 'sqlite:./app.db', 'sqlite::memory:', 'unix:/path/to.sock' for a process that owns the store, or 'https://host:7400' for a node"

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
  if (/^https?:/i.test(url)) return { type: 'node', url: nodeUrl(url) }
  const [, scheme = '', rest = ''] = /^(sqlite|unix):(.*)$/s.exec(url) ?? []
  if (scheme === '') {
    const isPath = url !== '' && !url.includes(':')
    throw invalid(withoutSecrets(url), isPath ? `Did you mean 'sqlite:${url}'? ${FIX}` : FIX)
  }
  const path = rest.replace(/^\/\/(?=\/)/, '')
  if (path.startsWith('//'))
    throw invalid(describeValue(url), `Did you mean '${scheme}:${path.slice(2)}'? ${FIX}`)
  if (path === '' || path.includes('\0'))
    throw invalid(describeValue(url), `Give the path after '${scheme}:'. ${FIX}`)
  if (path.includes('?'))
    throw invalid(describeValue(url), 'Give options as the second argument of open, not in the address')
  return scheme === 'unix' ? { type: 'unix', path } : { type: 'sqlite', path }
}

/** The origin of a node; its port is 7400 unless it says otherwise. */
function nodeUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '') throw invalid(withoutSecrets(text), FIX)
  if (url.username !== '' || url.password !== '')
    throw invalid(withoutSecrets(text), 'Give credentials as options of open, not in the address')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw invalid(withoutSecrets(text), 'Give host and port of the node, and nothing after them')
  const hasPort = /:\d+\/?$/.test(text)
  return hasPort ? `${url.protocol}//${url.hostname}:${portOf(url)}` : `${url.protocol}//${url.hostname}:7400`
}

/** A URL leaves out the port that its scheme has by itself. */
function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port
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
