/** What the program says and how it ends. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })

describe('npm run sim', () => {
  it('prints what a seed simulates, and the hash of its trace', () => {
    const { status, stdout } = run('--seed', '7')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^seed=7 store=(file|network) .*faults=\[.*features=\[/)
    expect(stdout).toMatch(/\ntrace: [0-9a-f]{64}\n/)
  })

  it.each([
    [['--seed', 'x'], "--seed takes a whole number, found 'x'"],
    [['--seeds', '9..3'], "--seeds takes A..B with A <= B, found '9..3'"],
    [['--sed', '7'], "there is no option '--sed'"],
    [['--seed', '7', '--without', 'rain'], "there is no fault or feature 'rain'"],
    [[], 'no option was given'],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = run(...args)
    expect(status).toBe(64)
    expect(stderr).toContain(message)
    expect(stderr).toContain('usage: npm run sim')
  })
})
