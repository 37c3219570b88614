import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { fc } from '../../std/testdata/properties.ts'
import { TestControl } from '../executor.suite.ts'
import { Output } from './output.ts'

/** Feeds bytes in pieces of the given sizes. */
async function feed(
  text: string,
  sizes: readonly number[],
  first: number,
  last: number,
): Promise<TestControl> {
  const control = new TestControl()
  const output = new Output(control, { first, last })
  const source = new PassThrough()
  const done = output.follow('stdout', source)
  const bytes = Buffer.from(text)
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    source.write(bytes.subarray(at, at + size))
    at += size
  }
  source.end()
  await done
  output.finish()
  return control
}

describe('the bound on output', () => {
  it('keeps whole characters of the beginning and the end, in order, and counts the rest', async () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 300 })
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 })
    const limit = fc.integer({ min: 0, max: 80 })
    await fc.assert(
      fc.asyncProperty(texts, sizes, limit, limit, async (text, pieces, first, last) => {
        const control = await feed(text, pieces, first, last)
        const kept = control.text('stdout')
        if (text.length <= first) {
          expect(kept).toBe(text)
          expect(control.text('log')).toBe('')
          return
        }
        expect(kept.length).toBeLessThanOrEqual(first + last)
        expect(kept.isWellFormed()).toBe(true)
        // a character at a limit is left out rather than cut in two
        expect(
          text.length <= first + last - 2 ? kept.length >= text.length - 1 : kept.length >= first + last - 2,
        ).toBe(true)
        const leftOut = Number(/(\d+) characters of output were left out/.exec(control.text('log'))?.[1] ?? 0)
        expect(leftOut).toBe(text.length - kept.length)
        const begins = [...Array(kept.length + 1).keys()].some(
          (at) => text.startsWith(kept.slice(0, at)) && text.endsWith(kept.slice(at)),
        )
        expect(begins).toBe(true)
      }),
    )
  })
})
