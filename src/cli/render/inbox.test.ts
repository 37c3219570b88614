/** Questions as people see them. */
import { expect, it } from 'vitest'
import type { Question } from '../../app/inbox.ts'
import { renderInbox, renderQuestion } from './inbox.ts'

const NOW = Date.UTC(2030, 0, 31, 12)
const question: Question = {
  ...{ token: '7-c0ffee', id: 7, run: 6, askedAt: NOW - 60_000, title: 'Pay?', assignee: 'ada' },
  ...{ form: null, about: null, round: 1, rejected: null, dueAt: null },
}
const again: Question = {
  ...question,
  ...{ token: '8-beef', id: 8, assignee: null, dueAt: NOW + 3_600_000, about: { amount: 80 } },
  ...{ form: { type: 'boolean' }, rejected: { reason: 'say yes or no', answer: 'maybe' } },
}

it('lists them', () => {
  expect(renderInbox([], NOW, 80)).toBe('Nobody is asked anything.\n')
  expect(renderInbox([question, again], NOW, Number.POSITIVE_INFINITY).split('\n')).toEqual([
    'TOKEN     RUN  FOR  WHO      QUESTION  NOTE',
    '7-c0ffee    6   1m  ada      Pay?',
    '8-beef      6   1m  anybody  Pay?      asked again: say yes or no, for 1h more',
    '',
  ])
})

it('shows all of one', () => {
  expect(renderQuestion(question, Number.POSITIVE_INFINITY).split('\n')).toEqual([
    'question  Pay?',
    'who       ada',
    'run       6',
    'asked     2030-01-31T11:59:00.000Z',
    'answer    perdure answer 7-c0ffee JSON',
    '',
  ])
  const text = renderQuestion(again, Number.POSITIVE_INFINITY)
  for (const line of [
    'until      2030-01-31T13:00:00.000Z',
    'about      {"amount":80}',
    'form       {"type":"boolean"}',
    'not taken  "maybe"',
    'because    say yes or no',
  ])
    expect(text).toContain(line)
})
