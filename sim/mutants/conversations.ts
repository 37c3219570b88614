/**
 * Defects of what runs have with one another and with callers: locks, races whose losers are let go of, updates, queries, and
 * questions to people.
 */
import type { Mutant } from './mutant.ts'

const LOCK = 'src/core/policy/lock.ts'
const LEDGER = 'src/workflow/ledger.ts'
const RUNS = 'src/client/embedded/runs.ts'
const PAST = 'src/client/embedded/past.ts'
const WORKFLOWS = 'workflows'

export const OF_CONVERSATIONS: readonly Mutant[] = [
  {
    name: 'lock-of-everybody',
    recreates: 'a lock is free as soon as somebody else has it: only those who wait look at the line',
    edits: [
      {
        file: LOCK,
        find: 'const isFree = last === undefined || isTerminal(last.state)',
        replace: 'const isFree = last === undefined || isTerminal(last.state) || last.pending < 2',
      },
    ],
    caughtBy: ['C1', 'C8'],
    needs: [WORKFLOWS, 'locks'],
  },
  {
    name: 'lock-past-the-line',
    recreates: 'whoever leaves the line in its middle lets those behind past those before',
    edits: [
      {
        file: LOCK,
        find: 'settleEdge(view, run, ticket.id, EDGE_RUN, now, ended)',
        replace: `settleEdge(view, run, ticket.id, EDGE_RUN, now, ended)
  const left = view.jobs.get(ticket.id) as JobRow
  if (left.pending > 0) settleEdge(view, run, ticket.id, EDGE_RUN, now, ended)`,
      },
    ],
    caughtBy: ['C1', 'C8', 'C9', 'W6'],
    needs: [WORKFLOWS, 'locks', 'branches'],
  },
  {
    name: 'lock-of-a-former-life',
    recreates: 'a run that has begun anew is told of its turn in a line that it had left before',
    edits: [
      {
        file: 'src/core/policy/finish.ts',
        find: 'if (hasLeftLine(view, child.id, id)) return',
        replace: '',
      },
    ],
    caughtBy: ['C1', 'C8', 'W4', 'W5'],
    needs: [WORKFLOWS, 'locks', 'branches'],
    from: 55,
  },
  {
    name: 'loser-goes-on',
    recreates:
      'what loses a race in the turn in which it was asked for is not let go of, since nobody knows its job yet',
    edits: [{ file: LEDGER, find: 'Math.min(MOST_ENTRIES, knownBefore(all))', replace: 'MOST_ENTRIES' }],
    caughtBy: ['W8'],
    needs: [WORKFLOWS, 'branches'],
    from: 18,
  },
  {
    name: 'update-told-twice',
    recreates: 'the first sending of an update is told from those that follow, since nothing of it is kept',
    edits: [
      {
        file: RUNS,
        find: 'options.id === undefined ? null : `',
        replace: 'options.isNew === true || options.id === undefined ? null : `',
      },
    ],
    caughtBy: ['W7', 'W5'],
    needs: [WORKFLOWS, 'updates', 'loss'],
  },
  {
    name: 'update-answered-by-another',
    recreates: 'whoever waits for the answer to an update takes the next one that comes',
    edits: [
      {
        file: RUNS,
        find: 'return kind === UPDATE && name === of',
        replace: 'return kind === UPDATE && of !== ""',
      },
    ],
    caughtBy: ['W5'],
    needs: [WORKFLOWS, 'updates'],
    from: 17,
  },
  {
    name: 'query-of-old-memory',
    recreates: 'a worker that had the run once answers from memory, whatever others have done since',
    edits: [
      {
        file: 'src/worker/workflow/questions.ts',
        find: 'if (news.next === own.known && own.isWhole) return said(own, question)',
        replace: 'return said(own, question)',
      },
    ],
    caughtBy: ['W7'],
    needs: [WORKFLOWS, 'updates', 'workerPauses'],
  },
  {
    name: 'any-answer-will-do',
    recreates: 'all questions of a run have one secret: the answer to one is taken for that to another',
    edits: [
      {
        file: 'src/workflow/human.ts',
        find: 'const secret = flow.uuid()',
        replace: 'const secret = "00000000-0000-4000-8000-" + String(flow.run).padStart(12, "0")',
      },
    ],
    caughtBy: ['W7'],
    needs: [WORKFLOWS, 'questions'],
  },
  {
    name: 'question-stays',
    recreates: 'a question that was answered stands in the inbox for ever',
    edits: [
      {
        file: 'src/core/policy/withdraw.ts',
        find: 'const after = stop(view, job, JSON.stringify(reasonOf(id)), now, freed)',
        replace:
          'const after = job.attempt === 0 ? undefined : stop(view, job, JSON.stringify(reasonOf(id)), now, freed)',
      },
    ],
    caughtBy: ['L9', 'W8', 'C9'],
    needs: [WORKFLOWS, 'questions'],
  },
  {
    name: 'version-of-the-line',
    recreates: 'a run that is moved to another version stays in the line of those who wait for the old one',
    edits: [
      {
        file: 'src/core/commands/repin.ts',
        find: 'const line = job.state === READY ? readyLine(route.class) : job.line',
        replace: 'const line = job.line',
      },
    ],
    caughtBy: ['L11', 'L9', 'C9'],
    needs: [WORKFLOWS, 'versions', 'controls'],
  },
  {
    name: 'version-of-nobody',
    recreates: 'a run goes to whoever asks first, whatever version of the code that has',
    edits: [
      {
        file: 'src/core/policy/placement.ts',
        find: "if (!meetsEach(labels, attributes.labels)) return 'labels'",
        replace: '',
      },
    ],
    caughtBy: ['L11'],
    needs: [WORKFLOWS, 'versions'],
  },
  {
    name: 'fork-without-its-locks',
    recreates: 'a fork begins with what was done under a lock, and does not get in line for it',
    edits: [
      {
        file: 'src/core/commands/import.ts',
        find: 'isHeld ? { ...entry, value: null } : entry',
        replace: 'entry',
      },
    ],
    caughtBy: ['C1', 'W8'],
    needs: [WORKFLOWS, 'locks', 'forks'],
  },
  {
    name: 'fork-asks-for-locks-again',
    recreates:
      'the locks of a run are left out of what a fork begins with: all behind them has other positions',
    edits: [
      {
        file: PAST,
        find: 'const before = cut < 0 ? rows : rows.slice(0, cut)',
        replace: 'const before = (cut < 0 ? rows : rows.slice(0, cut)).filter(({ kind }) => kind !== 9)',
      },
    ],
    caughtBy: ['W4', 'W5', 'W6'],
    needs: [WORKFLOWS, 'locks', 'updates', 'forks'],
  },
  {
    name: 'fork-without-open-jobs',
    recreates:
      'a fork makes the jobs that were open at a later point than the first run: the code that goes on by their ids is late',
    edits: [
      {
        file: PAST,
        find: 'const mustBeMade = !isOver && kind === CHILD && !made.has(position)',
        replace: 'const mustBeMade = false as boolean',
      },
    ],
    caughtBy: ['W4'],
    needs: [WORKFLOWS, 'questions', 'forks'],
  },
  {
    name: 'fork-of-what-came-of-a-cancel',
    recreates: 'a fork of a cancelled run begins with what it had undone',
    edits: [
      {
        file: PAST,
        find: 'row.position === position || row.kind === CANCEL)',
        replace: 'row.position === position)',
      },
    ],
    caughtBy: ['W5', 'W4'],
    needs: [WORKFLOWS, 'forks', 'controls'],
  },
]
