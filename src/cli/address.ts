/**
 * Which store a command speaks to.
 */
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { parseAddress } from '../app/address.ts'
import { perdureError } from '../errors.ts'

/** A store in a file, a socket that a process serves, or a node. */
export interface StoreAddress {
  readonly type: 'sqlite' | 'unix' | 'node'
  /** Of a file or socket; of a node its URL. */
  readonly path: string
}

/** The store of the current user: `$XDG_DATA_HOME/perdure/perdure.db`, or below `~/.local/share`. */
export function defaultStorePath(env: NodeJS.ProcessEnv): string {
  const data = env.XDG_DATA_HOME
  // The XDG rules say that a path that is not absolute is to be ignored.
  const base = data !== undefined && isAbsolute(data) ? data : join(env.HOME || homedir(), '.local', 'share')
  return join(base, 'perdure', 'perdure.db')
}

/**
 * Reads `--url` or PERDURE_URL: `sqlite:FILE`, `unix:SOCKET` or `https://HOST:PORT`; nothing means the user's own store.
 *
 * @throws INVALID_URL for anything else. A store in memory is one: it would end with the command.
 */
export function readAddress(url: string | undefined, env: NodeJS.ProcessEnv): StoreAddress {
  const text = url ?? env.PERDURE_URL ?? ''
  if (text === '') return { type: 'sqlite', path: defaultStorePath(env) }
  const address = parseAddress(text)
  if (address.type === 'node') return { type: 'node', path: address.url }
  if (address.type !== 'memory' && address.path !== ':memory:')
    return { type: address.type, path: resolve(address.path) }
  throw perdureError('INVALID_URL', {
    expected: 'sqlite:FILE, unix:SOCKET or https://HOST:PORT',
    found: text,
    fix: 'Correct --url or PERDURE_URL, or leave both out to use your own store',
  })
}
