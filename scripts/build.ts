/**
 * Builds `dist/` from nothing: JavaScript and declarations, and the files beside them that are not TypeScript.
 *
 * Owns: dist/. Never looks at what was built (that is check-build.ts).
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
const tsc = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')],
  { stdio: 'inherit' },
)
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

cpSync(join(root, 'src'), dist, {
  recursive: true,
  filter: (path) => !path.includes('testdata') && (statSync(path).isDirectory() || !path.endsWith('.ts')),
})
// the compiler renames what is imported, not the files that worker threads are started from
for (const entry of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (!entry.endsWith('.js')) continue
  const before = readFileSync(join(dist, entry), 'utf8')
  const after = before.replace(/(new URL\(\s*(['"])\.[^'"]*)\.ts\2(?=,\s*import\.meta\.url)/g, '$1.js$2')
  if (after !== before) writeFileSync(join(dist, entry), after)
}

const command = join(dist, 'cli/main.js')
if (existsSync(command)) chmodSync(command, 0o755)
