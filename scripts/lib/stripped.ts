/**
 * The sources of the repository without their types, made once, for all processes and threads of the tests.
 *
 * Node strips types with WebAssembly. In V8 of Node 24.21, threads that end while others compile it can bring the process
 * down (`jit_page.has_value()`, or a segmentation fault), and tests end some thousand threads. A thread that finds its
 * files stripped needs none, and starts in a third of the time. See load-stripped.mjs for the other half.
 */
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const FOLDERS = ['src', 'sim', 'spec', 'crash', 'test', 'examples', 'scripts', 'bench']
const HOOK = new URL('./load-stripped.mjs', import.meta.url)

/**
 * Writes the stripped sources into a new folder.
 *
 * @returns environment in which Node takes files from there whose text is the same, and others as ever.
 */
export function stripSources(root: string, folder: string): NodeJS.ProcessEnv {
  mkdirSync(folder)
  const pattern = `{${FOLDERS.join(',')}}/**/*.ts`
  for (const file of globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] })) {
    const text = readFileSync(join(root, file), 'utf8')
    writeFileSync(join(folder, nameOf(text)), stripTypeScriptTypes(text))
  }
  const options = [process.env.NODE_OPTIONS, `--import=${HOOK.href}`]
  return {
    PERDURE_STRIPPED: pathToFileURL(`${folder}/`).href,
    NODE_OPTIONS: options.filter(Boolean).join(' '),
  }
}

function nameOf(text: string): string {
  return `${createHash('sha1').update(text).digest('hex')}.js`
}
