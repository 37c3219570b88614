/**
 * Questions to people, as they read them.
 */
import type { Question } from '../../app/inbox.ts'
import { type Column, renderTable, shortSpan } from './text.ts'

const COLUMNS: readonly Column[] = [
  { title: 'TOKEN' },
  { title: 'RUN', align: 'right' },
  { title: 'FOR', align: 'right' },
  { title: 'WHO' },
  { title: 'QUESTION', flexible: true },
  { title: 'NOTE' },
]

/** A table of questions. */
export function renderInbox(questions: readonly Question[], now: number, width: number): string {
  if (questions.length === 0) return 'Nobody is asked anything.\n'
  const rows = questions.map(({ token, run, askedAt, assignee, title, rejected, dueAt }) => [
    token,
    String(run),
    shortSpan(now - askedAt),
    assignee ?? 'anybody',
    title,
    [
      ...(rejected === null ? [] : [`asked again: ${rejected.reason}`]),
      ...(dueAt === null ? [] : [`for ${shortSpan(dueAt - now)} more`]),
    ].join(', '),
  ])
  return renderTable(COLUMNS, rows, width)
}

/** One question, with what the person needs to know and the form of the answer. */
export function renderQuestion(question: Question, width: number): string {
  const { about, form, rejected } = question
  const facts: (readonly [string, string])[] = [
    ['question', question.title],
    ['who', question.assignee ?? 'anybody'],
    ['run', String(question.run)],
    ['asked', new Date(question.askedAt).toISOString()],
  ]
  if (question.dueAt !== null) facts.push(['until', `${new Date(question.dueAt).toISOString()}`])
  if (about !== null) facts.push(['about', JSON.stringify(about)])
  if (form !== null) facts.push(['form', JSON.stringify(form)])
  if (rejected !== null) {
    facts.push(['not taken', JSON.stringify(rejected.answer)], ['because', rejected.reason])
  }
  facts.push(['answer', `perdure answer ${question.token} JSON`])
  const columns: readonly Column[] = [{ title: '' }, { title: '', flexible: true }]
  return renderTable(columns, facts, width).split('\n').slice(1).join('\n')
}
