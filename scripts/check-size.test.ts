/** Shows both limits at their edge, the exemption of test bodies, and that idle exceptions are reported. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkSizes } from './check-size.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'perdure-size-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function messagesFor(path: string, text: string, exceptions: string[] = []): string[] {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  return checkSizes(
    root,
    exceptions.map((name) => ({ name, reason: 'a test' })),
  ).messages
}

const lines = (count: number): string => 'let a = 1\n'.repeat(count)

it('allows 600 lines in a file, and not 601', () => {
  expect(messagesFor('src/a.ts', lines(600))).toEqual([])
  expect(messagesFor('src/a.ts', lines(601))).toEqual(['src/a.ts has 601 lines, 600 at most'])
})

it.each([
  ['function f() {', '}', 'f'],
  ['const f = () => {', '}', 'f'],
  ['class A {\nf() {', '}\n}', 'f'],
  ['const a = { f: function () {', '} }', 'f'],
  ['run(() => {', '})', '(anonymous)'],
])('allows 70 lines in %s..., and not 71', (open, close, name) => {
  expect(messagesFor('src/a.ts', `${open}\n${lines(68)}${close}`)).toEqual([])
  expect(messagesFor('src/a.ts', `${open}\n${lines(69)}${close}`)).toEqual([
    expect.stringMatching(
      `src/a.ts#${name.replace(/[()]/g, '\\$&')} \\(line \\d\\) has 71 lines, 70 at most`,
    ),
  ])
})

it('leaves the bodies of tests and suites alone, but not the helpers beside them', () => {
  expect(messagesFor('src/a.test.ts', `describe('a', () => {\n${lines(100)}})`)).toEqual([])
  expect(messagesFor('src/a.test.ts', `it.each([1])('a', () => {\n${lines(100)}})`)).toEqual([])
  expect(
    messagesFor('src/a.suite.ts', `function suite() {\n${lines(100)}describe('a', () => {})\n}`),
  ).toEqual([])
  expect(messagesFor('src/a.test.ts', `function help() {\n${lines(100)}}`)).toHaveLength(1)
  expect(messagesFor('src/a.ts', `describe('a', () => {\n${lines(100)}})`)).toHaveLength(2)
})

it('accepts a named exception, and reports one that nothing needs', () => {
  const text = `function f() {\n${lines(100)}}`
  expect(messagesFor('src/a.ts', text, ['src/a.ts#f'])).toEqual([])
  expect(messagesFor('src/a.ts', lines(1), ['src/a.ts#f'])).toEqual([
    'src/a.ts#f is within the limits; delete its exception in scripts/check-size.ts',
  ])
})
