/**
 * Where the socket of a store lies.
 */
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * The kernel's `sun_path` holds 108 bytes on Linux and 104 elsewhere, the closing zero included. 30 are left
 * for the temporary name under which a socket is bound first.
 */
const LONGEST_PATH = 104 - 1 - 30

/**
 * The socket of the store in `file`: beside it, or, where that path is too long for a socket, in a folder of
 * the user's own below the runtime or temporary directory, under a name made from the store's path.
 */
export function socketPath(file: string): string {
  const beside = `${resolve(file)}.sock`
  if (Buffer.byteLength(beside) <= LONGEST_PATH) return beside
  const name = `${createHash('sha256').update(resolve(file)).digest('hex').slice(0, 20)}.sock`
  const runtime = process.env.XDG_RUNTIME_DIR
  const inRuntime = runtime ? join(runtime, 'perdure', name) : undefined
  if (inRuntime !== undefined && Buffer.byteLength(inRuntime) <= LONGEST_PATH) return inRuntime
  return join(tmpdir(), `perdure-${process.getuid?.() ?? 'user'}`, name)
}
