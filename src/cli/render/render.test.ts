import { describe, expect, it } from 'vitest'
import { fc } from '../../std/testdata/properties.ts'
import { ProgressLine, renderProgress } from './progress.ts'
import { cutText, plainLine, plainText, renderTable, shortBytes, shortSpan, textWidth } from './text.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/

describe('text of others', () => {
  it('loses its control sequences and keeps its words', () => {
    expect(plainText('\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\')).toBe(
      'red link',
    )
    expect(plainText('a\tb\nc\r\nd')).toBe('a\tb\nc\nd')
    expect(plainText('10%\r20%')).toBe('10%\n20%')
    expect(plainText('\x9b31m\u202Egnp.exe\x7f\x00')).not.toMatch(OBEYED)
    expect(plainLine('a\n\tb ')).toBe('a b')
  })

  it('never keeps a character that a terminal obeys', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.constantFrom('\x1b', '[', ']', 'm', '\x07', '\x9b', '\x90', ';', '1', 'a'),
            fc.string({ minLength: 1, maxLength: 1 }),
          ),
        }),
        (text) => {
          expect(plainText(text)).not.toMatch(OBEYED)
        },
      ),
    )
  })
})

describe('columns', () => {
  it('count what a terminal shows', () => {
    expect(['abc', '日本', 'é', 'e\u0301', '🎉'].map(textWidth)).toEqual([3, 4, 1, 1, 2])
    expect(cutText('abcdef', 4)).toBe('abc…')
    expect(cutText('日本語', 4)).toBe('日…')
    expect(cutText('abcd', 4)).toBe('abcd')
  })

  it('make a table, and the flexible one gives way', () => {
    const columns = [
      { title: 'ID', align: 'right' },
      { title: 'COMMAND', flexible: true },
      { title: 'STATE' },
    ] as const
    const rows = [
      ['7', 'sleep 1', 'running'],
      ['12', 'a rather\nlong command line', 'ready'],
    ]
    expect(renderTable(columns, rows, Number.POSITIVE_INFINITY)).toBe(
      'ID  COMMAND                     STATE\n' +
        ' 7  sleep 1                     running\n' +
        '12  a rather long command line  ready\n',
    )
    expect(renderTable(columns, rows, 28)).toBe(
      'ID  COMMAND          STATE\n' + ' 7  sleep 1          running\n' + '12  a rather long …  ready\n',
    )
  })

  it('write spans and sizes shortly', () => {
    expect([0, 999, 1_000, 59_999, 60_000, 7_200_000, 200_000_000].map(shortSpan)).toEqual([
      '0ms',
      '999ms',
      '1s',
      '59s',
      '1m',
      '2h',
      '2d',
    ])
    expect([0, 1023, 1024, 5_500_000].map(shortBytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '5.2 MiB'])
  })
})

describe('progress', () => {
  it('tells share, counts, rate and what is left', () => {
    expect(renderProgress({ done: 25, failed: 0, total: 100, elapsedMs: 5_000 }, 80)).toBe(
      '██████░░░░░░░░░░░░░░░░░░ 25% 25/100, 5.0/s, 15s left',
    )
    expect(renderProgress({ done: 100, failed: 3, total: 100, elapsedMs: 2_000 }, 80)).toBe(
      '████████████████████████ 100% 100/100, 3 failed, 50/s',
    )
    expect(renderProgress({ done: 7, failed: 1, total: undefined, elapsedMs: 1_000 }, 80)).toBe(
      '7 done, 1 failed, 7.0/s',
    )
    expect(renderProgress({ done: 0, failed: 0, total: 0, elapsedMs: 0 }, 80)).toBe(
      '████████████████████████ 100% 0/0, 0.0/s',
    )
    expect(textWidth(renderProgress({ done: 25, failed: 0, total: 100, elapsedMs: 5_000 }, 30))).toBe(30)
  })

  it('writes nothing where nobody looks', () => {
    const written: string[] = []
    const state = () => ({ done: 0, failed: 0, total: 1 })
    for (const line of [
      new ProgressLine({ isTTY: false, write: (text) => written.push(text) }, true, state),
      new ProgressLine({ isTTY: true, write: (text) => written.push(text) }, false, state),
    ]) {
      line.clear()
      line.stop()
    }
    expect(written).toEqual([])
  })
})
