/**
 * The user whose process this is.
 */
import { userInfo } from 'node:os'

/** The name of the user; undefined where there is none, as in a container that runs as a number. */
export function userName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
