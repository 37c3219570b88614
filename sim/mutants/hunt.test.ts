/** Every mutant is found: what no invariant finds, no test would. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { MUTANTS } from './mutants.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
/** About a second of one core each, on a machine that is busy with other tests. */
const LONGEST_MS = 10 * 60_000

it('finds every mutant, each by an invariant that is named for it', { timeout: LONGEST_MS }, () => {
  const { status, stdout } = spawnSync(process.execPath, [MAIN, '--mutants', '--jobs', '2'], {
    encoding: 'utf8',
  })
  expect(stdout).toContain(`${MUTANTS.length} of ${MUTANTS.length} mutants found`)
  expect(status).toBe(0)
})
