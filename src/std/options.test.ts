import { describe, expect, it } from 'vitest'
import {
  arrayOf,
  checkKnown,
  describeValue,
  nearestName,
  nonEmptyText,
  numberBetween,
  oneOf,
  wholeNumber,
} from './options.ts'

describe('checkKnown', () => {
  it('lets known options pass', () => {
    expect(() => checkKnown('worker', { queues: [], name: 'w' }, ['queues', 'name'])).not.toThrow()
  })

  it('names the nearest option for one that is unknown', () => {
    expect(() => checkKnown('job("a")', { timout: 1 }, ['retry', 'timeout'])).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        data: { option: 'timout' },
        message:
          'An option is malformed: expected options of job("a") among retry, timeout; found "timout". Did you mean timeout? Otherwise leave it out.',
      }),
    )
  })

  it('guesses nothing when nothing is near', () => {
    expect(() => checkKnown('x', { colour: 1 }, ['retry'])).toThrow(/Leave colour out/)
  })

  it.each([undefined, null, 'text', 5, []])('refuses %j as options', (options) => {
    expect(() => checkKnown('worker', options, ['name'])).toThrow(/the options of worker to be an object/)
  })
})

describe('values', () => {
  it.each([0, 11, 1.5, Number.NaN, '5', undefined])('refuses %j as a whole number from 1 to 10', (value) => {
    expect(() => wholeNumber('slots', value, 1, 10)).toThrow(
      /expected slots to be a whole number from 1 to 10/,
    )
  })

  it.each([-0.1, 1.1, Number.NaN, '0.5'])('refuses %j as a number from 0 to 1', (value) => {
    expect(() => numberBetween('jitter', value, 0, 1)).toThrow(/expected jitter to be a number from 0 to 1/)
  })

  it('suggests the word that was meant', () => {
    expect(() => oneOf('backoff', 'exponental', ['fixed', 'exponential'])).toThrow(
      /Did you mean 'exponential'/,
    )
    expect(() => oneOf('backoff', 7, ['fixed', 'exponential'])).toThrow(/found 7/)
  })

  it('lists more than two words', () => {
    expect(() => oneOf('role', '?', ['a1', 'b2', 'c3'])).toThrow(
      /expected role to be one of 'a1', 'b2', 'c3'/,
    )
  })

  it('tells nobody to leave out what is missing', () => {
    expect(() => nonEmptyText('name', undefined)).toThrow(/found undefined\. Give name text of [^,]+\.$/)
    expect(() => nonEmptyText('name', '')).toThrow(/, or leave it out\.$/)
  })

  it.each([undefined, {}, 'text'])('refuses %j as an array', (value) => {
    expect(() => arrayOf('the jobs', value as never, 'jobs')).toThrow(
      /expected the jobs to be an array of jobs/,
    )
  })

  it.each(['', 'x'.repeat(201), 5])('refuses %j as text', (value) => {
    expect(() => nonEmptyText('name', value)).toThrow(/1 to 200 characters/)
  })

  it('passes what is right', () => {
    expect([
      wholeNumber('a', 5, 1, 10),
      numberBetween('b', 0.5, 0, 1),
      oneOf('c', 'x', ['x']),
      nonEmptyText('d', 'y'),
    ]).toEqual([5, 0.5, 'x', 'y'])
  })
})

describe('nearestName', () => {
  it.each([
    ['Retry', 'retry'],
    ['retires', 'retries'],
    ['prioritty', 'priority'],
    ['prio', 'priority'],
    ['x', undefined],
    ['', undefined],
  ])('%j means %j', (name, nearest) => {
    expect(nearestName(name, ['retry', 'retries', 'priority', 'on'])).toBe(nearest)
  })
})

it('describes values in a few characters', () => {
  expect([undefined, null, 5n, [1, 2], {}, () => 1, 'x'.repeat(100)].map(describeValue)).toEqual([
    'undefined',
    'null',
    '5n',
    'an array of 2',
    'an object',
    'a function',
    `"${'x'.repeat(60)}..."`,
  ])
})
