/** Histories that one job can have, and such as it cannot. */
import { describe, expect, it } from 'vitest'
import { hasOrder } from './linear.ts'
import type { Entry, Question, Told } from './recorder.ts'

const call = (from: number, to: number, question: Question, told: Told): Entry => ({
  from,
  to,
  question,
  told,
})
const make = call(0, 1, { type: 'make' }, { state: 'made', changed: true })
const read = (from: number, to: number, state: string): Entry =>
  call(from, to, { type: 'read' }, { state, changed: false })
const lease = (from: number, to: number, attempt: number): Entry =>
  call(from, to, { type: 'lease', attempt }, { state: 'running', changed: true })
const report = (from: number, to: number, attempt: number, outcome: string, accepted: boolean): Entry =>
  call(from, to, { type: 'report', attempt, outcome }, { accepted })
const cancel = (from: number, to: number, told: Told): Entry =>
  call(from, to, { type: 'control', verb: 'cancel' }, told)
const CANCELLED = { state: 'cancelled', changed: true }

describe('a history of one job', () => {
  it.each<[string, Entry[]]>([
    ['an ordinary life', [make, lease(2, 3, 1), report(4, 5, 1, 'succeeded', true), read(6, 7, 'succeeded')]],
    [
      'a read during a report',
      [make, lease(2, 3, 1), report(4, 9, 1, 'succeeded', true), read(5, 6, 'running')],
    ],
    ['a cancel that was never answered', [make, cancel(2, Infinity, undefined), read(3, 4, 'cancelled')]],
    [
      'a cancel that was never answered, and did nothing',
      [make, cancel(2, Infinity, undefined), lease(3, 4, 1)],
    ],
    [
      'a report told twice',
      [make, lease(2, 3, 1), report(4, 5, 1, 'failed', true), report(6, 7, 1, 'failed', true)],
    ],
    [
      'a second cancel that insists',
      [
        make,
        lease(2, 3, 1),
        cancel(4, 5, { state: 'running', changed: true }),
        cancel(6, 7, { state: 'running', changed: true }),
        report(8, 9, 1, 'failed', true),
        read(10, 11, 'cancelled'),
      ],
    ],
    ['a lost lease', [make, lease(2, 3, 1), lease(4, 5, 2), report(6, 7, 1, 'succeeded', false)]],
  ])('%s has an order', (_, history) => {
    expect(hasOrder(history)).toBe(true)
  })

  it.each<[string, Entry[]]>([
    ['a lease after an acknowledged cancel', [make, cancel(2, 3, CANCELLED), lease(4, 5, 1)]],
    ['two ends', [make, read(2, 3, 'succeeded'), read(4, 5, 'failed')]],
    ['a success of a lost lease', [make, lease(2, 3, 1), lease(4, 5, 2), report(6, 7, 1, 'succeeded', true)]],
    [
      'an end that is undone',
      [make, lease(2, 3, 1), report(4, 5, 1, 'succeeded', true), read(6, 7, 'running')],
    ],
    [
      'a cancel of a waiting job that changed nothing',
      [make, cancel(2, 3, { state: 'ready', changed: false })],
    ],
  ])('%s has none', (_, history) => {
    expect(hasOrder(history)).toBe(false)
  })
})
