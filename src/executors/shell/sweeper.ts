/**
 * Ends what is left of stopped attempts: processes that left the group of their command, such as daemons.
 *
 * Owns: one search of the process table at a time, for however many attempts were stopped meanwhile.
 */
import { killProcesses, variableOf } from './processes.ts'

/** Kills by attempt token. */
export class Sweeper {
  #next: { tokens: Set<string>; done: Promise<void> } | undefined
  #current: Promise<void> = Promise.resolve()

  /** Ends all processes that carry the token, and resolves when none is found any more. Never rejects. */
  sweep(token: string): Promise<void> {
    if (this.#next === undefined) {
      const tokens = new Set<string>()
      const done = this.#current.then(() => {
        this.#next = undefined
        return kill(tokens)
      })
      this.#next = { tokens, done }
      this.#current = done
    }
    this.#next.tokens.add(token)
    return this.#next.done
  }
}

async function kill(tokens: ReadonlySet<string>): Promise<void> {
  try {
    await killProcesses((environ) => {
      const token = variableOf(environ, 'PERDURE_TOKEN')
      return token !== undefined && tokens.has(token)
    })
  } catch {
    // /proc is not mounted: the process group was all that could be ended
  }
}
