/**
 * The file of the store for commands that work on what lies beside it.
 */
import { invalidOption } from '../std/options.ts'
import type { Context } from './context.ts'

/** The path of the store's file. @throws INVALID_OPTION where the address names a process, which has the file somewhere. */
export async function localFile(context: Context): Promise<string> {
  const { type, path } = await context.address()
  if (type === 'sqlite') return path
  throw invalidOption(
    '--url',
    'the file of a store (sqlite:FILE)',
    path,
    'Call this on the machine of the node, as its user: tokens and the audit log lie beside the store and are not served',
  )
}
