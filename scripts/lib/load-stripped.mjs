/**
 * Loads files of TypeScript that were stripped before, and leaves all others to Node. See stripped.ts.
 *
 * Plain JavaScript, because it is what runs before TypeScript can.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const folder = process.env.PERDURE_STRIPPED

registerHooks({
  load(url, context, next) {
    const source = url.startsWith('file:') && url.endsWith('.ts') ? stripped(url) : undefined
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true }
  },
})

function stripped(url) {
  try {
    const name = createHash('sha1')
      .update(readFileSync(new URL(url)))
      .digest('hex')
    return readFileSync(new URL(`${name}.js`, folder))
  } catch {
    // Not a file of the repository, or none at all: Node says what is the matter with it.
    return undefined
  }
}
