/** What the program says and how it ends. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
const LONG = { timeout: 10 * 60_000 }

describe('npm run sim', () => {
  it('prints what a seed simulates, and the hash of its trace', LONG, () => {
    const { status, stdout } = run('--seed', '7')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^seed=7 store=(file|network) .*faults=\[.*features=\[/)
    expect(stdout).toMatch(/\ntrace: [0-9a-f]{64}\n/)
  })

  it('finds nothing in a thousand seeds', LONG, () => {
    const { status, stdout } = run('--seeds', '1..1000', '--table')
    expect(stdout).toMatch(/^clean: 1000 seeds, /)
    expect(stdout).toMatch(/\n\| {2}\| loss \|/)
    expect(status).toBe(0)
  })

  it('is stopped by a person, and tells what it has done', LONG, async () => {
    const program = spawn(process.execPath, [MAIN, '--minutes', '9'])
    const lines = createInterface({ input: program.stderr })
    const [first] = await once(lines, 'line')
    expect(first).toMatch(/^fresh seeds from \d+ on, for 9 minutes/)
    program.kill('SIGINT')
    const [told] = await once(createInterface({ input: program.stdout }), 'line')
    expect(told).toMatch(/^clean: \d seeds, /)
    if (program.exitCode === null) await once(program, 'exit')
    expect(program.exitCode).toBe(0)
  })

  it('makes a failure small, keeps it, and replays it', LONG, () => {
    const folder = mkdtempSync(join(tmpdir(), 'perdure-sim-'))
    try {
      const mutant = ['--mutant', 'early-ack']
      const found = run('--seeds', '1..20', '--save', folder, ...mutant)
      expect(found.status).toBe(3)
      expect(found.stdout).toContain('D2: Nothing derived from an operation leaves before')
      expect(found.stdout).toMatch(/\nshrunk to \d+ operations and 0 happenings/)
      expect(found.stdout).toMatch(
        /\nseed: \d+\nreplay: npm run sim -- --replay .*early-ack\.json --mutant early-ack/,
      )
      const file = join(folder, readdirSync(folder)[0] as string)
      expect(run('--replay', file, ...mutant).status).toBe(3)
      expect(run('--replay', file).status).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([
    [['--seed', 'x'], "--seed takes a whole number, found 'x'"],
    [['--seeds', '9..3'], "--seeds takes A..B with A <= B, found '9..3'"],
    [['--sed', '7'], "there is no option '--sed'"],
    [['--seed'], '--seed needs a value'],
    [['--seed', '7', '--without', 'rain'], "there is no fault or feature 'rain'"],
    [['--seed', '7', '--jobs', '0'], "--jobs takes at least 1, found '0'"],
    [['--seed', '7', '--mutant', 'none'], "there is no mutant 'none'"],
    [['--seed', '7', '--mutants'], '--seed and --mutants cannot be had together'],
    [['--crash-everywhere', '--cut', 'file:x'], '--cut takes STORE:CUTS'],
    [['--trace'], 'no option says what to do'],
    [[], 'no option says what to do'],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = run(...args)
    expect(status).toBe(64)
    expect(stderr).toContain(message)
    expect(stderr).toContain('usage: npm run sim')
  })
})
