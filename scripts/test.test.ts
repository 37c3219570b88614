/** Shows what `npm test` prints around its stages. The stages themselves are shown by running them. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { STAGES } from './stages.ts'

function run(...args: string[]): { code: number | null; lines: string[]; stderr: string } {
  const script = join(import.meta.dirname, 'test.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  return { code: status, lines: stdout.trimEnd().split('\n'), stderr }
}

it('lists its stages', () => {
  const { code, lines } = run('--list')
  expect(code).toBe(0)
  expect(lines.map((line) => line.split(' ')[0])).toEqual(STAGES.map(({ name }) => name))
})

it('runs the chosen stages and ends with the counts alone on a line', () => {
  const { code, lines } = run('--only', 'imports,size', '--skip', 'imports')
  expect(lines.filter((line) => line.startsWith('== '))).toHaveLength(2)
  expect(lines.at(-1)).toBe(code === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed')
})

it('refuses a stage that does not exist, and a choice of none', () => {
  expect(run('--only', 'nothing')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('found "nothing"'),
  })
  expect(run('--only', 'size', '--skip', 'size')).toMatchObject({ code: 64 })
  expect(run('--onyl', 'size')).toMatchObject({ code: 64 })
})
