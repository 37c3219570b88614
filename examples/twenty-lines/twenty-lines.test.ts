/**
 * The program of the README is the one beside this test, has twenty lines at most, and runs as it stands.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { run, withFolder } from '../testdata/run-example.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The program in the README: the first block of TypeScript. */
function readmeProgram(): string {
  const [, program] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
  return program ?? ''
}

/** A folder in which `import 'perdure'` finds this source, as if it were installed. */
function install(folder: string): void {
  const index = JSON.stringify(join(ROOT, 'src/index.ts'))
  const copy = join(folder, 'perdure')
  mkdirSync(copy)
  writeFileSync(join(copy, 'index.ts'), `export * from ${index}\n`)
  writeFileSync(join(copy, 'package.json'), '{ "type": "module", "exports": "./index.ts" }')
  mkdirSync(join(folder, 'node_modules'))
  // a link, for Node reads no TypeScript that lies in node_modules itself
  symlinkSync(copy, join(folder, 'node_modules/perdure'))
}

test('the program has twenty lines at most', () => {
  const lines = readmeProgram()
    .split('\n')
    .filter((line) => line.trim() !== '')
  expect(lines.length).toBeGreaterThan(10)
  expect(lines.length).toBeLessThanOrEqual(20)
})

test('the example is the same program', () => {
  const example = readFileSync(join(import.meta.dirname, 'twenty-lines.ts'), 'utf8')
  const code = example.slice(example.indexOf('import ')).replace("'../../src/index.ts'", "'perdure'")
  expect(code).toBe(readmeProgram())
})

test('it runs, and a second start enqueues nothing twice', () =>
  withFolder(async (folder) => {
    install(folder)
    writeFileSync(join(folder, 'files.mts'), readmeProgram())
    const names = readdirSync(ROOT).filter((name) => name.endsWith('.md'))
    for (const name of names) writeFileSync(join(folder, name), readFileSync(join(ROOT, name)))
    const first = await run(process.execPath, ['files.mts', ...names], { cwd: folder })
    expect(first).toMatchObject({ code: 0, stderr: '' })
    for (const name of names) {
      const text = readFileSync(join(ROOT, name), 'utf8')
      expect(first.stdout).toContain(`${name}: ${text.split('\n').length} lines\n`)
      expect(gunzipSync(readFileSync(join(folder, `${name}.gz`))).toString()).toBe(text)
    }
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(names.length)
    const second = await run(process.execPath, ['files.mts', ...names], { cwd: folder })
    expect(second).toEqual(first)
  }))

test('killed in the middle and started again, it carries on', () =>
  withFolder(async (folder) => {
    install(folder)
    writeFileSync(join(folder, 'files.mts'), readmeProgram())
    const names = Array.from({ length: 100 }, (_, index) => `${index}.txt`)
    for (const name of names) writeFileSync(join(folder, name), `${name}\n`.repeat(1_000))
    const child = spawn(process.execPath, ['files.mts', ...names], { cwd: folder, stdio: 'ignore' })
    const ended = once(child, 'exit')
    await appears(folder, (name) => name.endsWith('.gz'))
    child.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    const { code, stdout } = await run(process.execPath, ['files.mts', ...names], { cwd: folder })
    expect(code).toBe(0)
    const lines = names.map((name) => `${name}: 1001 lines`)
    expect(stdout.trimEnd().split('\n').sort()).toEqual(lines.sort())
    for (const name of names) {
      expect(gunzipSync(readFileSync(join(folder, `${name}.gz`))).toString()).toContain(`${name}\n`)
    }
  }))

/** Resolves when a file appears that matches. */
async function appears(folder: string, matches: (name: string) => boolean): Promise<void> {
  for await (const { filename } of watch(folder, { signal: AbortSignal.timeout(30_000) })) {
    if (filename !== null && matches(filename)) return
  }
}
