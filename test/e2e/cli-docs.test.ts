/**
 * The examples of docs/cli.md: each box is run in an empty folder, and must print what the page says.
 * `...` in an expected line stands for any text.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { INDEX, MAIN } from './testdata/sandbox.ts'

const PAGE = fileURLToPath(new URL('../../docs/cli.md', import.meta.url))

interface Step {
  readonly command: string
  readonly expected: string[]
}

const boxes = [...readFileSync(PAGE, 'utf8').matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((match) => {
  const steps: Step[] = []
  for (const line of (match[1] ?? '').trimEnd().split('\n')) {
    const last = steps.at(-1)
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] })
    // a command of several lines
    else if (line.startsWith('> ') && last !== undefined)
      steps[steps.length - 1] = { ...last, command: `${last.command}\n${line.slice(2)}` }
    else steps.at(-1)?.expected.push(line)
  }
  return steps
})

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-docs-'))
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'work'))
  const shim = join(folder, 'bin', 'perdure')
  writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(shim, 0o755)
  // modules of the page import `perdure`: the source, from outside of any node_modules, where types are stripped
  mkdirSync(join(folder, 'perdure'))
  writeFileSync(join(folder, 'perdure', 'package.json'), '{ "type": "module", "exports": "./index.ts" }')
  writeFileSync(join(folder, 'perdure', 'index.ts'), `export * from '${INDEX}'\n`)
  mkdirSync(join(folder, 'work', 'node_modules'))
  symlinkSync(join(folder, 'perdure'), join(folder, 'work', 'node_modules', 'perdure'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function matches(line: string, expected: string): boolean {
  const pattern = expected.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('.*')}$`).test(line)
}

describe('docs/cli.md', () => {
  it('has boxes to run', () => expect(boxes.length).toBeGreaterThan(5))

  it.each(boxes.map((steps) => [steps[0]?.command ?? '', steps] as const))('%s', (_, steps) => {
    for (const { command, expected } of steps) {
      const { stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${command}`], {
        cwd: join(folder, 'work'),
        encoding: 'utf8',
        // One stream, in the order of writing, as a terminal would show it.
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder },
        timeout: 60_000,
      })
      const lines = stdout.trimEnd() === '' ? [] : stdout.trimEnd().split('\n')
      const fits =
        lines.length === expected.length && lines.every((line, index) => matches(line, expected[index] ?? ''))
      expect({ command, lines, fits }, expected.join('\n')).toEqual({ command, lines, fits: true })
    }
  })
})
