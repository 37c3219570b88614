import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { PerdureError } from '../../errors.ts'
import { fc, times } from '../../std/testdata/properties.ts'
import { Batcher, type BatchRule } from './batches.ts'
import { parseDelimiter, type SplitMode, Splitter } from './xargs.ts'

/** Each starts a process. */
const RUNS = 300

const WORDS: SplitMode = { type: 'words' }

function batches(
  text: string,
  mode: SplitMode,
  rule: Partial<BatchRule> = {},
  cuts: readonly number[] = [],
): string[][] {
  const found: string[][] = []
  const batcher = new Batcher({ command: [], maxBytes: 131_072, ...rule }, (argv) => found.push(argv))
  const splitter = new Splitter(mode, batcher)
  let at = 0
  for (const cut of cuts) {
    splitter.push(text.slice(at, at + cut))
    at += cut
  }
  splitter.push(text.slice(at))
  splitter.finish()
  batcher.flush()
  return found
}

const items = (text: string, mode: SplitMode = WORDS, cuts: readonly number[] = []) =>
  batches(text, mode, {}, cuts).flat()

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return error instanceof PerdureError ? error.code : String(error)
  }
  return 'nothing was thrown'
}

/** What the xargs of this machine makes of the same input, one list of arguments per command. */
function oracle(text: string, options: readonly string[]): string[][] | 'refused' {
  const script = 'printf "%s\\0" "$@"; printf "\\001\\0"'
  const run = spawnSync('xargs', ['-r', ...options, 'sh', '-c', script, 'sh'], {
    input: text,
    encoding: 'utf8',
  })
  if (run.status !== 0) return 'refused'
  const commands: string[][] = [[]]
  for (const word of run.stdout.split('\0').slice(0, -1)) {
    if (word === '\x01') commands.push([])
    else commands.at(-1)?.push(word)
  }
  return commands.slice(0, -1)
}

const hasXargs = spawnSync('xargs', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU') ?? false

describe('splitting', () => {
  it('cuts at blanks and newlines, and keeps what is quoted or escaped', () => {
    expect(items('a b\tc\n\n d\n')).toEqual(['a', 'b', 'c', 'd'])
    expect(items(`'a b' "c'd" e\\ f g\\"h`)).toEqual(['a b', "c'd", 'e f', 'g"h'])
    expect(items(`a'b c'd`)).toEqual(['ab cd'])
    expect(items('"" x')).toEqual(['', 'x'])
    expect(items('')).toEqual([])
  })

  it('takes whole lines where one item is put into a command', () => {
    expect(items('  a b \n\n c\n', { type: 'lines' })).toEqual(['a b ', 'c'])
  })

  it('takes everything literally between delimiters, empty items too', () => {
    const lines: SplitMode = { type: 'delimiter', delimiter: '\n' }
    expect(items(`a 'b\n\n\\c\n`, lines)).toEqual(["a 'b", '', '\\c'])
    expect(items('a\0b', { type: 'delimiter', delimiter: '\0' })).toEqual(['a', 'b'])
  })

  it('refuses quotes that are not closed, and zero bytes', () => {
    for (const text of ['"a', "'a\n'", 'a"b\nc"']) expect(codeOf(() => items(text))).toBe('INVALID_INPUT')
    expect(codeOf(() => items('a\0b'))).toBe('INVALID_INPUT')
  })

  it('gives back any items that were quoted', () => {
    const word = fc.string({ unit: fc.constantFrom('a', ' ', '\t', '"', '\\', '-', 'é') })
    fc.assert(
      fc.property(fc.array(word), fc.array(fc.nat(5)), (words, cuts) => {
        const text = words.map((one) => `'${one}'`).join('\n')
        expect(items(text, WORDS, cuts)).toEqual(words)
      }),
    )
  })

  it.runIf(hasXargs)('agrees with the xargs of this machine', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', ' ', '\t', '\n', "'", '"', '\\'),
      maxLength: 14,
    })
    const option = fc.constantFrom<[string[], SplitMode, Partial<BatchRule>]>(
      [['-n1'], WORDS, { maxItems: 1 }],
      [['-n2'], WORDS, { maxItems: 2 }],
      [['-L1'], WORDS, { lines: 1 }],
      [['-L2'], WORDS, { lines: 2 }],
      [['-d\\n', '-n1'], { type: 'delimiter', delimiter: '\n' }, { maxItems: 1 }],
      [['-da'], { type: 'delimiter', delimiter: 'a' }, {}],
    )
    fc.assert(
      fc.property(text, option, (input, [options, mode, rule]) => {
        // The known differences: an item that is only a pair of quotes always counts here, and an open quote
        // at the very end is always refused, where GNU xargs drops both in some places; and an escaped blank
        // before a newline belongs to its item here, where there it also makes the line go on.
        fc.pre(!/''|""|['"]$|\\[ \t]\n/.test(input))
        let mine: string[][] | 'refused'
        try {
          mine = batches(input, mode, rule)
        } catch {
          mine = 'refused'
        }
        expect(mine).toEqual(oracle(input, options))
      }),
      times(RUNS),
    )
  })
})

describe('batches', () => {
  it('take as many items as asked, and keep the rest for the end', () => {
    expect(batches('1 2 3 4 5', WORDS, { command: ['echo'], maxItems: 2 })).toEqual([
      ['echo', '1', '2'],
      ['echo', '3', '4'],
      ['echo', '5'],
    ])
  })

  it('put the item wherever it is asked for', () => {
    const rule = { command: ['mv', '{}', 'old/{}', '$&{}{}'], replace: '{}' }
    expect(batches('a b\n$&\n', { type: 'lines' }, rule)).toEqual([
      ['mv', 'a b', 'old/a b', '$&a ba b'],
      ['mv', '$&', 'old/$&', '$&$&$&'],
    ])
  })

  it('stay below the most bytes, and refuse an item that does not', () => {
    expect(batches('aaa bbb ccc', WORDS, { command: ['e'], maxBytes: 10 })).toEqual([
      ['e', 'aaa', 'bbb'],
      ['e', 'ccc'],
    ])
    expect(codeOf(() => batches('a'.repeat(20), WORDS, { command: ['e'], maxBytes: 10 }))).toBe('TOO_LARGE')
    expect(codeOf(() => batches('aaa bbb ccc', WORDS, { command: ['e'], maxBytes: 10, lines: 1 }))).toBe(
      'TOO_LARGE',
    )
  })
})

describe('the delimiter option', () => {
  it('is a character or an escape', () => {
    expect(['a', '\\n', '\\t', '\\0', '\\x2c', '\\054', '\\\\', 'é'].map(parseDelimiter)).toEqual([
      'a',
      '\n',
      '\t',
      '\0',
      ',',
      ',',
      '\\',
      'é',
    ])
    for (const text of ['', 'ab', '\\', '\\q', '\\x', '\\xff', '\\999'])
      expect(codeOf(() => parseDelimiter(text))).toBe('INVALID_OPTION')
  })
})
