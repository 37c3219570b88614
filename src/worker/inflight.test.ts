import { describe, expect, it } from 'vitest'
import { fc, times } from '../std/testdata/properties.ts'
import { InFlight } from './inflight.ts'
import type { RunningAttempt } from './running.ts'

/** What is kept of an attempt; the rest of it is no concern of the book. */
const attempt = (job: number, number: number): RunningAttempt =>
  ({ job, token: `${job}.${number}` }) as RunningAttempt

describe('attempts in hand', () => {
  it('are found by token, also two of one job, and leave in any order', () => {
    const book = new InFlight()
    const [first, second, third] = [attempt(1, 1), attempt(1, 2), attempt(1, 3)]
    for (const one of [first, second, third]) expect(book.add(one)).toBe(true)
    expect(book.add(attempt(1, 2))).toBe(false)
    expect([book.size, book.find('1.2'), book.find('2.1')]).toEqual([3, second, undefined])
    book.delete(second)
    book.delete(second)
    expect(book.all()).toEqual([first, third])
    book.delete(third)
    book.delete(first)
    book.delete(first)
    expect([book.size, book.all()]).toEqual([0, []])
  })

  it('are what a list would hold, in order of arrival', () => {
    const step = fc.record({ adds: fc.boolean(), job: fc.nat(3), number: fc.nat(3) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const book = new InFlight()
        let list: RunningAttempt[] = []
        for (const { adds, job, number } of steps) {
          const known = list.find(({ token }) => token === `${job}.${number}`)
          if (adds) {
            const added = attempt(job, number)
            expect(book.add(added)).toBe(known === undefined)
            if (known === undefined) list.push(added)
          } else if (known !== undefined) {
            book.delete(known)
            list = list.filter((other) => other !== known)
          }
          expect(book.size).toBe(list.length)
          expect(book.all().map(({ token }) => token)).toEqual(list.map(({ token }) => token))
        }
      }),
      times(500),
    )
  })
})
