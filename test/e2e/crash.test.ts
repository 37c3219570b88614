/**
 * A short run of every scenario of `npm run crash`, and what that program says and how it ends.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { lackOf } from '../../crash/machine.ts'
import { runScenario } from '../../crash/run.ts'
import { SCENARIOS } from '../../crash/scenarios/all.ts'

const MAIN = fileURLToPath(new URL('../../crash/main.ts', import.meta.url))

describe('nothing acknowledged is lost, nothing runs twice at once', () => {
  for (const scenario of SCENARIOS) {
    const { name, title, needs } = scenario
    const lack = needs.map(lackOf).find((reason) => reason !== undefined)
    it.skipIf(lack !== undefined)(`${name}: ${title}${lack === undefined ? '' : ` (${lack})`}`, async () => {
      const counts = await runScenario(scenario, { rounds: 1, seed: 1 })
      // a round in which nothing happened would show nothing
      for (const what of ['acknowledged', 'attempts'])
        if (counts.has(what)) expect(counts.get(what)).toBeGreaterThan(10)
      expect(counts.size).toBeGreaterThan(1)
    })
  }
})

const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })

describe('npm run crash', () => {
  it('tells what it did in a table', () => {
    const { status, stdout } = run('--only', 'damage', '--rounds', '1', '--seed', '1')
    expect(stdout).toMatch(/^seed 1, 1 rounds each\n== damage: .*\n {3}round 1, .* s\n/)
    expect(stdout).toMatch(/\nscenario +result +time {2}what\ndamage +clean +[\d.]+ s {2}\d+ acknowledged, /)
    expect(status).toBe(0)
  })

  it('tells how it is used', () => {
    const { status, stdout } = run('--help')
    expect(status).toBe(0)
    for (const { name } of SCENARIOS) expect(stdout).toContain(`  ${name} `)
  })

  it.each([
    [['--only', 'rain'], "there is no scenario 'rain'"],
    [['--rounds', '0'], "--rounds takes a whole number of 1 or more, found '0'"],
    [['--seed', '-1'], '--seed'],
    [['--loud'], "Unknown option '--loud'"],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = run(...args)
    expect(status).toBe(64)
    expect(stderr).toContain(message)
    expect(stderr).toContain('usage: npm run crash')
  })
})
