/**
 * Boxes of pages that begin with `$`, and a shell to run them in: a home and a working folder of its own, in which
 * `perdure` is this source, as a command and as a package.
 *
 * `> ` continues a command on the next line; `...` in an expected line stands for any text.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { MAIN } from './sandbox.ts'

const SOURCE = fileURLToPath(new URL('../../../src/', import.meta.url))

/** A command, and what it prints. */
export interface Step {
  readonly command: string
  readonly expected: readonly string[]
}

/** The commands of a box. */
export function stepsOf(box: string): Step[] {
  const steps: { command: string; expected: string[] }[] = []
  for (const line of box.trimEnd().split('\n')) {
    const last = steps.at(-1)
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] })
    else if (line.startsWith('> ') && last?.expected.length === 0) last.command += `\n${line.slice(2)}`
    else last?.expected.push(line)
  }
  return steps
}

/** Fenced blocks of a page: their language and their text. */
export function blocksOf(page: string): { readonly language: string; readonly text: string }[] {
  return [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }))
}

export class Shell {
  readonly #folder = mkdtempSync(join(tmpdir(), 'perdure-docs-'))
  /** Where commands run. */
  readonly work = join(this.#folder, 'work')

  constructor() {
    const bin = join(this.#folder, 'bin')
    const copy = join(this.#folder, 'perdure')
    for (const folder of [bin, copy, join(this.work, 'node_modules')]) mkdirSync(folder, { recursive: true })
    const shim = join(bin, 'perdure')
    writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
    chmodSync(shim, 0o755)
    // a link, for Node reads no TypeScript that lies in node_modules itself
    symlinkSync(copy, join(this.work, 'node_modules', 'perdure'))
    for (const [name, file] of [
      ['index', 'index.ts'],
      ['testing', 'testing/index.ts'],
    ])
      writeFileSync(join(copy, `${name}.ts`), `export * from '${SOURCE}${file}'\n`)
    const exports = { '.': './index.ts', './testing': './testing.ts' }
    writeFileSync(join(copy, 'package.json'), JSON.stringify({ type: 'module', exports }))
    writeFileSync(join(this.work, 'package.json'), '{ "type": "module" }')
  }

  /** Runs a command, which must print what is expected. */
  run({ command, expected }: Step): void {
    const { stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${command}`], {
      cwd: this.work,
      encoding: 'utf8',
      // one stream, in the order of writing, as a terminal would show it
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        PATH: `${join(this.#folder, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
        HOME: this.#folder,
      },
      timeout: 60_000,
    })
    const lines = stdout.trimEnd() === '' ? [] : stdout.trimEnd().split('\n')
    const fits =
      lines.length === expected.length && lines.every((line, index) => matches(line, expected[index] ?? ''))
    expect({ command, lines, fits }, expected.join('\n')).toEqual({ command, lines, fits: true })
  }

  /** Takes the folder away. */
  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function matches(line: string, expected: string): boolean {
  const pattern = expected.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('.*')}$`).test(line)
}
