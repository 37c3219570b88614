/** The parsers of the command line: any text is read or refused by one of the errors that say how to mend it. */
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../app/address.ts'
import { parseSize } from '../../std/size.ts'
import { anything, json, nearly, outcomeOf, outcomeOfAsync, RUNS, text } from '../../std/testdata/fuzz.ts'
import { fc } from '../../std/testdata/properties.ts'
import { readAddress } from '../address.ts'
import { describeJob, quoteWord } from '../describe.ts'
import { readText } from '../input.ts'
import { Batcher } from './batches.ts'
import {
  parseAfter,
  parseIds,
  parseLimits,
  parseMoment,
  parsePairs,
  parseSignal,
  parseSpan,
  parseStates,
  parseWhole,
} from './values.ts'
import { parseDelimiter, type SplitMode, Splitter } from './xargs.ts'

/** Text that is nearly a value of some option. */
const word = fc.oneof(
  text,
  fc.string({
    unit: fc.constantFrom(...'0123456789-+.,:=@TZ'.split(''), 'run', 'ms', 'h', 'GB', '\\x', '\\'),
  }),
)
const words = fc.array(word, { maxLength: 4 })

const PARSERS: readonly (readonly [
  string,
  (given: readonly string[]) => unknown,
  (value: never) => boolean,
])[] = [
  ['ids', parseIds, (ids: { id: number }[]) => ids.every(({ id }) => Number.isSafeInteger(id) && id > 0)],
  [
    'dependencies',
    parseAfter,
    (after: { job: number }[]) => after.every(({ job }) => Number.isSafeInteger(job)),
  ],
  [
    'limits',
    parseLimits,
    (limits: { max: number }[]) => limits.every(({ max }) => Number.isSafeInteger(max)),
  ],
  [
    'pairs',
    (given) => parsePairs('--meta', given),
    (pairs: object) =>
      Object.getPrototypeOf(pairs) === Object.prototype &&
      Object.values(pairs).every((value) => typeof value === 'string'),
  ],
  ['states', parseStates, (states: string[]) => states.every((state) => typeof state === 'string')],
  ['whole numbers', ([first = '']) => parseWhole('-P', first, 0, 64), (n: number) => n >= 0 && n <= 64],
  ['moments', ([first = '']) => parseMoment('--at', first, 0), (ms: number) => Number.isFinite(ms)],
  [
    'spans',
    ([first = '']) => parseSpan('--delay', first),
    (ms: number) => Number.isSafeInteger(ms) && ms >= 0,
  ],
  [
    'sizes',
    ([first = '']) => parseSize('--max', first),
    (bytes: number) => Number.isSafeInteger(bytes) && bytes >= 0,
  ],
  ['signals', ([first = '']) => parseSignal(first), (name: string) => /^SIG[A-Z0-9]+$/.test(name)],
  ['delimiters', ([first = '']) => parseDelimiter(first), (one: string) => [...one].length === 1],
  [
    'addresses',
    ([first = '']) => readAddress(first, { HOME: '/home/ada' }),
    ({ path }: { path: string }) => path.startsWith('/') && !path.includes('\0'),
  ],
]

describe('options', () => {
  it.each(PARSERS)('%s', (_, parse, isRight) => {
    fc.assert(
      fc.property(words, (given) => {
        const came = outcomeOf(() => parse(given))
        if ('code' in came) expect(came.code).toMatch(/^(INVALID_|UNKNOWN_STATE|TOO_LARGE)/)
        else expect(isRight(came.value as never)).toBe(true)
      }),
      RUNS,
    )
  })

  it('an address of any type', () => {
    fc.assert(
      fc.property(anything, (url) => {
        const came = outcomeOf(() => parseAddress(url))
        if ('code' in came) expect(came.code).toBe('INVALID_URL')
      }),
      RUNS,
    )
  })
})

describe('standard input', () => {
  const mode = fc.oneof(
    fc.constantFrom<SplitMode>({ type: 'words' }, { type: 'lines' }),
    fc
      .string({ minLength: 1, maxLength: 1 })
      .map((delimiter): SplitMode => ({ type: 'delimiter', delimiter })),
  )
  const rule = fc.record(
    { maxItems: fc.integer({ min: 1, max: 3 }), lines: fc.integer({ min: 1, max: 3 }), replace: word },
    { requiredKeys: [] },
  )

  it('is cut into commands that fit, or refused, wherever the pieces are cut', () => {
    fc.assert(
      fc.property(fc.array(text), mode, rule, (pieces, split, limits) => {
        const commands: string[][] = []
        const run = (given: readonly string[]) => {
          const batcher = new Batcher({ command: ['c', '{}'], maxBytes: 1_000, ...limits }, (argv) =>
            commands.push(argv),
          )
          const splitter = new Splitter(split, batcher)
          for (const piece of given) splitter.push(piece)
          splitter.finish()
          batcher.flush()
        }
        const came = outcomeOf(() => run(pieces))
        for (const argv of commands)
          expect(argv.reduce((sum, one) => sum + Buffer.byteLength(one) + 1, 0)).toBeLessThanOrEqual(1_000)
        const atOnce = commands.splice(0)
        // a character that is cut in two is another matter: what reads bytes never does that
        if (pieces.some((piece) => !piece.isWellFormed())) return
        expect('code' in outcomeOf(() => run([pieces.join('')]))).toBe('code' in came)
        if (!('code' in came)) expect(commands).toEqual(atOnce)
      }),
      RUNS,
    )
  })

  it('is UTF-8 or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (chunks) => {
        const came = await outcomeOfAsync(async () => {
          const pieces: string[] = []
          for await (const piece of readText(Readable.from(chunks.map((chunk) => Buffer.from(chunk)))))
            pieces.push(piece)
          return pieces
        })
        if ('code' in came) expect(came.code).toBe('INVALID_INPUT')
        else expect(Buffer.from(came.value.join(''))).toEqual(Buffer.concat(chunks))
      }),
      RUNS,
    )
  })
})

it('a quoted word is read back by the splitting of xargs as it was', () => {
  const printable = fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '$', '\\', 'é', '\t') })
  fc.assert(
    fc.property(printable, (one) => {
      const items: string[] = []
      const splitter = new Splitter({ type: 'words' }, { item: (item) => items.push(item), line: () => {} })
      splitter.push(quoteWord(one))
      splitter.finish()
      expect(items).toEqual([one])
    }),
    RUNS,
  )
})

it('any job is described in words', () => {
  const command = nearly({ argv: fc.array(json), script: text, args: fc.array(json) }, json)
  fc.assert(
    fc.property(fc.oneof(json, command), (input) => {
      expect(describeJob({ kind: 'shell', input })).toBeTypeOf('string')
    }),
    RUNS,
  )
})
