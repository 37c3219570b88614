/** Shows that each import rule catches its violation, and leaves the nearest legal neighbour alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkImports } from './check-imports.ts'
import { PARTS, partOf } from './lib/import-rules.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'perdure-imports-'))
  write('package.json', '{ "dependencies": { "commander": "1.0.0", "@scope/name": "1.0.0" } }')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

/** Checks a tree of this one file, and returns what is wrong with it. */
function messagesFor(path: string, text: string): string[] {
  write(path, text)
  return checkImports(root).violations.map(({ path, line, message }) => `${path}:${line} ${message}`)
}

describe('rows', () => {
  it.each([
    ['a lower row imports a higher one', 'src/core/a.ts', '../engine/b.ts', 'core may not import engine'],
    ['siblings', 'src/client/a.ts', '../executors/b.ts', 'client may not import executors'],
    ['siblings in folders', 'src/client/remote/a.ts', '../embedded/b.ts', 'may not import client/embedded'],
    [
      'the engine and a concrete store',
      'src/engine/a.ts',
      '../store/sqlite/b.ts',
      'may not import store/sqlite',
    ],
    [
      'the interface and its implementation',
      'src/store/a.ts',
      './memory/b.ts',
      'may not import store/memory',
    ],
    ['the worker and the engine', 'src/worker/a.ts', '../engine/b.ts', 'worker may not import engine'],
    [
      'the worker and one client',
      'src/worker/a.ts',
      '../client/embedded/b.ts',
      'may not import client/embedded',
    ],
    [
      'the remote client and the engine',
      'src/client/remote/a.ts',
      '../../engine/b.ts',
      'may not import engine',
    ],
    ['errors and the rest', 'src/errors.ts', './std/b.ts', 'errors.ts may not import std'],
    ['the two tops', 'src/cli/a.ts', '../index.ts', 'cli may not import index.ts'],
    ['the testing kit', 'src/server/a.ts', '../testing/b.ts', 'production code may not import testing'],
    ['a test', 'src/server/a.ts', './b.test.ts', 'production code may not import tests'],
    ['a shared suite', 'src/store/a.ts', './store.suite.ts', 'production code may not import tests'],
    ['the bench', 'src/cli/a.ts', '../../bench/main.ts', 'production code may not leave src/'],
    ['the dashboard', 'src/dashboard/a.ts', '../engine/b.ts', 'dashboard may not import engine'],
  ])('refuses: %s', (_, path, specifier, message) => {
    expect(messagesFor(path, `import { b } from '${specifier}'`)).toEqual([
      expect.stringMatching(new RegExp(`^${path}:1 .*${message.replace('/', '\\/')}`)),
    ])
  })

  it.each([
    ['src/core/a.ts', '../errors.ts'],
    ['src/core/commands/a.ts', '../model/b.ts'],
    ['src/client/embedded/a.ts', '../../engine/b.ts'],
    ['src/store/sqlite/a.ts', '../store.ts'],
    ['src/engine/a.ts', '../store/store.ts'],
    ['src/worker/a.ts', '../executors/b.ts'],
    ['src/index.ts', './store/sqlite/b.ts'],
    ['src/testing/a.ts', '../engine/b.ts'],
    ['src/core/a.test.ts', '../engine/b.ts'],
    ['src/store/store.suite.ts', 'vitest'],
    ['src/errors.test.ts', '../docs/b.ts'],
  ])('allows: %s imports %s', (path, specifier) => {
    expect(messagesFor(path, `import { b } from '${specifier}'`)).toEqual([])
  })

  it('lets row 2 import the types of the core, and nothing else of it', () => {
    expect(messagesFor('src/codec/a.ts', `import type { b } from '../core/b.ts'`)).toEqual([])
    expect(messagesFor('src/codec/a.ts', `import { type b, type c } from '../core/b.ts'`)).toEqual([])
    expect(messagesFor('src/codec/a.ts', `import { type b, c } from '../core/b.ts'`)).toHaveLength(1)
    expect(messagesFor('src/codec/a.ts', `import '../core/b.ts'`)).toHaveLength(1)
  })

  it('refuses a folder that has no row', () => {
    expect(messagesFor('src/misc/a.ts', '')[0]).toMatch(/is in no part of the table/)
  })

  it('has no circle in its table', () => {
    const visit = (name: string, above: string[]): void => {
      expect(above).not.toContain(name)
      for (const next of PARTS[name]?.may ?? []) visit(next, [...above, name])
    }
    for (const name of Object.keys(PARTS)) visit(name, [])
  })

  it('names only parts that exist', () => {
    for (const part of Object.values(PARTS)) {
      for (const name of [...part.may, ...(part.types ?? [])]) expect(PARTS).toHaveProperty([name])
    }
    expect(partOf('src/client/embedded/deep/a.ts')).toBe('client/embedded')
    expect(partOf('src/client/deep/a.ts')).toBe('client')
  })
})

describe('forms of an import', () => {
  it.each([
    `export { b } from '../engine/b.ts'`,
    `export type { b } from '../engine/b.ts'`,
    `export * from '../engine/b.ts'`,
    `import type { b } from '../engine/b.ts'`,
    `const b = await import('../engine/b.ts')`,
    `type B = import('../engine/b.ts').B`,
    `type B = typeof import('../engine/b.ts')`,
    `const b = new URL('../engine/b.ts', import.meta.url)`,
  ])('sees %s', (text) => {
    expect(messagesFor('src/store/a.ts', text)).toEqual([
      expect.stringMatching(/store may not import engine/),
    ])
  })

  it('refuses a file that does not parse, with its name and line', () => {
    expect(() => messagesFor('src/core/a.ts', 'const a = 1\nconst = 2')).toThrow(/src\/core\/a\.ts:2/)
  })
})

describe('packages', () => {
  it('lets production code use dependencies and built-ins only', () => {
    expect(messagesFor('src/cli/a.ts', `import { b } from 'commander'\nimport 'node:fs'`)).toEqual([])
    expect(messagesFor('src/cli/a.ts', `import { b } from '@scope/name/part'`)).toEqual([])
    expect(messagesFor('src/cli/a.ts', `import { b } from 'vitest'`)[0]).toMatch(/found vitest/)
  })

  it('lets the core use neither', () => {
    expect(
      messagesFor('src/core/a.ts', `import { b } from 'commander'\nimport type { c } from 'node:fs'`),
    ).toEqual([
      expect.stringMatching(/a\.ts:1 core may import neither/),
      expect.stringMatching(/a\.ts:2 core may import neither/),
    ])
  })
})

describe('the pure core', () => {
  it.each([
    ['Date', 'const now = Date.now()'],
    ['Math.random', 'const luck = Math.random()'],
    ['setTimeout', 'setTimeout(() => 1, 1)'],
    ['process', 'const home = process.env.HOME'],
    ['console', `console.log('a')`],
    ['Promise', 'type Later = Promise<number>'],
    ['async functions', 'const later = async () => 1'],
    ['globalThis', 'const clock = globalThis.performance'],
  ])('may not use %s', (name, text) => {
    expect(messagesFor('src/core/a.ts', text)).toContain(`src/core/a.ts:1 core may not use ${name}`)
    rmSync(join(root, 'src/core'), { recursive: true })
    expect(messagesFor('src/engine/a.ts', text)).toEqual([])
  })

  it('may give its own properties those names', () => {
    const text =
      'interface A { process: number }\nexport const f = (a: A) => ({ console: a.process, b: Math.max(1) })'
    expect(messagesFor('src/core/a.ts', text)).toEqual([])
  })
})
