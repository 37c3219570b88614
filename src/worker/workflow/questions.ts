/**
 * Answers what runs are asked: from memory where this worker has the run as its journal has it, otherwise from a replay
 * that does nothing.
 */
import { journalPages } from '../../client/journal-pages.ts'
import type { RunAnswer, RunQuestion, WorkflowSession } from '../../client/workflows.ts'
import { BROKEN, type JournalRow } from '../../core/model/journal.ts'
import { errorRecord } from '../../errors.ts'
import { Flow } from '../../workflow/flow.ts'
import { handlersOf } from '../../workflow/handlers.ts'
import { replayRows } from '../../workflow/replay.ts'
import type { FlowRun } from '../../workflow/run.ts'
import type { WorkflowCode } from './executor.ts'

/** What a worker knows of runs. */
export interface KnownRuns {
  codeOf(kind: string): WorkflowCode | undefined
  /** The run as it is in memory. */
  known(job: number): FlowRun | undefined
}

/** Answers questions for as long as the session lives. */
export function answerQuestions(session: WorkflowSession, runs: KnownRuns): void {
  session.onQuestion((question) => {
    answer(session, runs, question)
      // Whoever cannot read the journal leaves it to others.
      .catch(() => undefined)
      .then((said) => session.answer(question.token, said))
      // Without an answer its time runs out; the session has other ways to say that it is broken.
      .catch(() => {})
  })
}

async function answer(
  session: WorkflowSession,
  { codeOf, known }: KnownRuns,
  question: RunQuestion,
): Promise<RunAnswer | undefined> {
  const code = codeOf(question.kind)
  if (code === undefined) return undefined
  const own = known(question.job)
  if (own !== undefined) {
    const news = await session.journal(question.token, own.known)
    if (news === undefined) return undefined
    if (news.next === own.known && own.isWhole) return said(own, question)
  }
  const rows = await wholeJournal(session, question.token)
  return rows && (await replayed(rows, code, question))
}

/** Undefined where nobody wants the answer any more. */
async function wholeJournal(session: WorkflowSession, token: string): Promise<JournalRow[] | undefined> {
  const rows: JournalRow[] = []
  for await (const page of journalPages((from) => session.journal(token, from))) {
    if (page === undefined) return undefined
    rows.push(...page.rows)
  }
  return rows
}

async function replayed(
  rows: readonly JournalRow[],
  code: WorkflowCode,
  question: RunQuestion,
): Promise<RunAnswer | undefined> {
  let run: FlowRun | undefined
  const input = parse(question.runInput)
  const program = (own: FlowRun): unknown => {
    run = own
    return code(new Flow(own, () => ({})), input as never)
  }
  const end = await replayRows(rows, program, undefined, question.job)
  if (end.type === 'differs') return brokenBy(end.error)
  return run && said(run, question)
}

function said(run: FlowRun, { ask, name, input }: RunQuestion): RunAnswer {
  const { state, value } = handlersOf(run).answer({ type: ask, name, input: parse(input) })
  return { isBroken: state === BROKEN, value }
}

function parse(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text)
}

function brokenBy(thrown: unknown): RunAnswer {
  return { isBroken: true, value: JSON.stringify(errorRecord(thrown)) }
}
