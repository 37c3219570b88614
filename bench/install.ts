/** Installs the peers into bench/node_modules when they are not there, or not those of the lockfile. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BENCH = fileURLToPath(new URL('.', import.meta.url))

/**
 * Makes sure that the peers can be loaded.
 * @throws Error with the end of npm's output when they cannot be installed
 */
export function installPeers(): void {
  const stamp = join(BENCH, 'node_modules', '.perdure-bench-lock')
  const lock = createHash('sha256')
    .update(readFileSync(join(BENCH, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  process.stderr.write('bench: installing the peers into bench/node_modules (once)\n')
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  const run = spawnSync('npm', options, { cwd: BENCH, encoding: 'utf8', timeout: 300_000 })
  if (run.status !== 0) {
    const reason = run.error?.message ?? run.stderr.trim().split('\n').slice(-5).join('\n')
    throw new Error(`the peers could not be installed; --no-peers runs without them\n${reason}`)
  }
  writeFileSync(stamp, lock)
}
