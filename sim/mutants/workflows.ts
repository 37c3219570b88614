/**
 * Defects of workflows: those of the field, and those that this code could have, or once had.
 */
import type { Mutant } from './mutant.ts'

const RECORD = 'src/core/commands/record.ts'
const SIGNAL = 'src/core/commands/signal.ts'
const CONTROL = 'src/core/commands/control.ts'
const FINISH = 'src/core/policy/finish.ts'
const JOURNAL = 'src/core/policy/journal.ts'
const SUSPEND = 'src/core/policy/suspend.ts'
const TABLES = 'src/store/memory/tables.ts'
const LEDGER = 'src/workflow/ledger.ts'
const RUN = 'src/workflow/run.ts'
const WORKFLOWS = ['workflows']

export const OF_WORKFLOWS: readonly Mutant[] = [
  {
    name: 'step-write-duplicated',
    recreates:
      'dbos-transact-py#770: what a step gave is written again when its first writing was not answered',
    edits: [{ file: LEDGER, find: 'if (rows.some(isOf)) this.#doubtful = []', replace: '' }],
    caughtBy: ['W5', 'W7', 'W8', 'W4'],
    needs: [...WORKFLOWS, 'nodeCrashes', 'lostAcks'],
  },
  {
    name: 'diverging-recoveries',
    recreates: 'dbos-transact-ts#1205: two workers take up one run, and both write what they did',
    edits: [
      {
        file: RECORD,
        find: 'if (!holdsLease(job, attempt, nonce)) return false',
        replace:
          'if (job === undefined || isTerminal(job.state) || attempt < 0 || nonce === "") return false',
      },
    ],
    caughtBy: ['L2', 'W5'],
    needs: [...WORKFLOWS, 'workerPauses', 'nodePauses'],
  },
  {
    name: 'self-suspension',
    recreates: 'restate#5196: a run waits for what only its own end would bring about',
    edits: [
      {
        file: RECORD,
        find: 'if (waiters.has(id)) return circleError(run, name, id)',
        replace: 'if (closes && id === run) return circleError(run, name, id)',
      },
    ],
    caughtBy: ['W6', 'W3', 'C9'],
    needs: WORKFLOWS,
  },
  {
    name: 'end-before-its-record',
    recreates:
      'restate#447, of children: a job has ended, and the run that waits for it is told later, or with a crash never',
    edits: [
      {
        file: 'src/engine/workingset.ts',
        find: '      ...this.append.take(),\n',
        replace: `      ...((taken) => {
        const journal = this.late
        this.late = taken.journal
        return { ...taken, journal }
      })(this.append.take()),
`,
      },
      {
        file: 'src/engine/workingset.ts',
        find: '  readonly runs = new Table<number, RunRow>({',
        replace: '  late: any[] = []\n  readonly runs = new Table<number, RunRow>({',
      },
    ],
    caughtBy: ['W8', 'W7', 'W5'],
    needs: WORKFLOWS,
  },
  {
    name: 'early-signal-lost',
    recreates: 'a signal that comes before anybody waits for it is told to nobody',
    edits: [{ file: SIGNAL, find: '    view.runs.put({ ...run, inbox })\n', replace: '' }],
    caughtBy: ['W7'],
    needs: WORKFLOWS,
  },
  {
    name: 'signal-overtakes',
    recreates: 'signals that were kept are heard last come first',
    edits: [
      {
        file: JOURNAL,
        find: 'inbox.findIndex(({ name }) => name === wait.name)',
        replace: 'inbox.findLastIndex(({ name }) => name === wait.name)',
      },
    ],
    caughtBy: ['W7'],
    needs: [...WORKFLOWS, 'updates'],
  },
  {
    name: 'wake-up-lost',
    recreates:
      'something settles between a worker’s last look and its word that it sleeps, and nobody wakes the run',
    edits: [
      { file: SUSPEND, find: 'if (run.length > seen) giveBack', replace: 'if (run.length < seen) giveBack' },
    ],
    caughtBy: ['W6', 'L9'],
    needs: WORKFLOWS,
  },
  {
    name: 'sleeper-out-of-line',
    recreates: 'a run that sleeps until a moment stands in no line that is looked at then',
    edits: [
      {
        file: SUSPEND,
        find: 'return due === Infinity ? row : {',
        replace: 'return due === Infinity || run.inbox === null ? row : {',
      },
    ],
    caughtBy: ['W6'],
    needs: WORKFLOWS,
  },
  {
    name: 'deadline-early',
    recreates: 'sleeps and deadlines end a moment early',
    edits: [
      { file: JOURNAL, find: 'dueAt !== 0 && dueAt <= now)', replace: 'dueAt !== 0 && dueAt <= now + 500)' },
    ],
    caughtBy: ['T1'],
    needs: WORKFLOWS,
  },
  {
    name: 'children-left-behind',
    recreates: 'jobs that are of no use without a run go on when it has ended',
    edits: [
      {
        file: FINISH,
        find: 'else if (policy === EDGE_CLOSE) closeChild(view, job, dependent, now, next, freed)',
        replace:
          'else if (policy === EDGE_CLOSE && job.taken > 0) closeChild(view, job, dependent, now, next, freed)',
      },
    ],
    caughtBy: ['W8'],
    needs: WORKFLOWS,
  },
  {
    name: 'journal-outlives-run',
    recreates: 'dbos-transact-py#769, of journals: what a run recorded is there after it was deleted',
    edits: [{ file: TABLES, find: 'this.runs, this.journal],', replace: 'this.runs],' }],
    caughtBy: ['W9'],
    needs: [...WORKFLOWS, 'retention'],
  },
  {
    name: 'guessing-replay',
    recreates: 'code that asks for something else than is on record is given what is there',
    edits: [
      {
        file: RUN,
        find: 'if (row === undefined || (row.kind === kind && row.name === name)) {',
        replace: 'if (row === undefined || row.kind === kind || row.name !== name) {',
      },
    ],
    caughtBy: ['W4'],
    needs: [...WORKFLOWS, 'nodeCrashes', 'workerCrashes'],
  },
  {
    name: 'cancel-skips-undo',
    recreates: 'a run that waits is cancelled at once, and what it did is left as it is',
    edits: [
      {
        file: FINISH,
        find: 'if (job.state !== RUNNING && !hasUndo) {',
        replace: 'if (job.state !== RUNNING && !(hasUndo && job.startedAt > 0)) {',
      },
    ],
    caughtBy: ['K2'],
    needs: [...WORKFLOWS, 'controls'],
    from: 25,
  },
  {
    name: 'restart-gives-numbers-twice',
    recreates:
      'rows that a restart, or a new beginning, took out make room for others, for whoever reads the run anew',
    edits: [
      {
        file: CONTROL,
        find: 'view.runs.put({ ...run, ...kept, length: start, start })',
        replace: 'view.runs.put({ ...run, ...kept, length: start, start: isUndone ? start : run.start })',
      },
      {
        file: SUSPEND,
        find: 'view.runs.put({ ...run, start: run.length, waits: null, origin: run.length })',
        replace: 'view.runs.put({ ...run, waits: null, origin: run.length })',
      },
    ],
    caughtBy: ['D3', 'D5', 'W5', 'W6', 'W8'],
    needs: [...WORKFLOWS, 'controls', 'smallMemory'],
  },
]
