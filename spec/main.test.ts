/** What the program says and how it ends. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })

describe('npm run spec', () => {
  it('tells its options', () => {
    const { status, stdout } = run('--help')
    expect(status).toBe(0)
    expect(stdout).toContain('usage: npm run spec')
  })

  it('searches to a depth, and says what it saw', () => {
    const { status, stdout } = run('--only', 'search', '--scenarios', 'limits', '--depth', '2')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^search limits: all of depth 2, \d+ states, \d+ moves; [\d.]+ s\n$/)
  })

  it.each([
    [['--depth', 'x'], "--depth takes a whole number above 0, found 'x'"],
    [['--only', 'dance'], "--only takes some of simulate, defects, replay, record, search, found 'dance'"],
    [['--scenarios', 'all'], "found 'all'"],
    [['--deep', '7'], "Unknown option '--deep'"],
    [['7'], "Unexpected argument '7'"],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = run(...args)
    expect(status).toBe(64)
    expect(stderr).toContain(message)
    expect(stderr).toContain('usage: npm run spec')
  })
})
