/**
 * Known bugs of the field that concern a job's rules: leases, limits, dependencies, keys, times.
 */
import type { Mutant } from './mutant.ts'

const LEASE = 'src/core/commands/lease.ts'
const REPORT = 'src/core/commands/report.ts'
const TIME = 'src/core/commands/time.ts'
const ENQUEUE = 'src/core/commands/enqueue.ts'
const CONTROL = 'src/core/commands/control.ts'
const ADMIT = 'src/core/policy/admit.ts'
const FINISH = 'src/core/policy/finish.ts'
const KEYS = 'src/core/policy/keys.ts'

const LOSE_HOLDS = `export function lose(view: FinishTables, command: LoseCommand, now: number): boolean {
  const job = view.jobs.get(command.job)
  if (!holdsLease(job, command.attempt, command.nonce)) return false
`

export const FIELD_JOBS: readonly Mutant[] = [
  {
    name: 'stalled-sweep-relocks-finished',
    recreates: 'bull#356: the sweep for stalled jobs takes up one again that finished meanwhile',
    edits: [
      {
        file: TIME,
        find: LOSE_HOLDS,
        replace: `${LOSE_HOLDS.replace('if (!holdsLease(job, command.attempt, command.nonce)) return false', 'if (job === undefined) return false')}  if (isTerminal(job.state)) {
    view.jobs.put(admit(view, job, view.routeById(job.route), now))
    return true
  }
  if (!holdsLease(job, command.attempt, command.nonce)) return false
`,
      },
    ],
    caughtBy: ['L8', 'L6', 'C3', 'D4', 'CRASH'],
    needs: ['workerPauses', 'partitions'],
    from: 13,
  },
  {
    name: 'lock-without-state-check',
    recreates: 'bull#377: a second worker locks a job without looking at its state',
    edits: [
      {
        file: 'src/engine/lines.ts',
        find: 'this.#lines.get(oldLine)?.remove(before as JobRow)',
        replace: 'if (after?.nonce == null) this.#lines.get(oldLine)?.remove(before as JobRow)',
      },
      {
        file: LEASE,
        find: 'if (job !== undefined && job.state === READY && job.line === head.line) {',
        replace: 'if (job !== undefined) {',
      },
    ],
    caughtBy: ['L1', 'L3', 'C8', 'D3', 'CRASH', 'D4', 'K2'],
  },
  {
    name: 'one-token-per-queue',
    recreates: 'bull#308: a slow worker completes the attempt of another, as all have one token',
    edits: [
      {
        file: REPORT,
        find: 'return job !== undefined && job.state === RUNNING && job.attempt === attempt && job.nonce === nonce',
        replace: 'return job !== undefined && job.state === RUNNING',
      },
    ],
    caughtBy: ['L2', 'L6'],
    needs: ['workerPauses', 'duplicates'],
  },
  {
    name: 'stale-failure-written',
    recreates: 'bull#1416: a failure is written without a look at who holds the lease',
    edits: [
      {
        file: REPORT,
        find: `  if (!holdsLease(job, command.attempt, command.nonce)) return isRecorded(job, command)
  const outcome = command.outcome`,
        replace: `  const outcome = command.outcome
  if (outcome.type === 'failed' ? job?.state !== RUNNING : !holdsLease(job, command.attempt, command.nonce)) return false
  if (job === undefined) return false`,
      },
    ],
    caughtBy: ['L2', 'L6'],
    needs: ['workerPauses', 'duplicates'],
    from: 17,
  },
  {
    name: 'timer-early',
    recreates: 'bull#747: a timer fires some ms early',
    edits: [
      {
        file: TIME,
        find: 'if (job.rank > now) return moved',
        replace: 'if (job.rank > now + 20) return moved',
      },
    ],
    caughtBy: ['T1'],
    needs: ['delays'],
  },
  {
    name: 'parent-waits-for-done-child',
    recreates: 'bullmq#2554: a job waits for one that has ended already',
    edits: [{ file: ENQUEUE, find: 'if (isTerminal(dependency.state)) continue', replace: '' }],
    caughtBy: ['L9', 'C9', 'W3'],
    needs: ['dependencies'],
  },
  {
    name: 'failed-child-strands-parent',
    recreates: 'bullmq#3122: a job whose dependency failed waits for ever',
    edits: [
      {
        file: FINISH,
        find: ': end(view, row, endingBecauseOf(dependency, policy), now, NO_LIMITS)',
        replace: ': undefined',
      },
    ],
    caughtBy: ['L9', 'C9', 'W3'],
    needs: ['dependencies'],
  },
  {
    name: 'delay-overflow',
    recreates: 'pg-boss#389: a delay is cut to 32 bits',
    edits: [
      {
        file: 'src/client/embedded/specs.ts',
        find: 'now + Math.round(spec.delayMs)',
        replace: 'now + Math.max(0, spec.delayMs | 0)',
      },
    ],
    caughtBy: ['T4'],
    needs: ['longDelays'],
  },
  {
    name: 'unique-violation-stops-queue',
    recreates: 'pg-boss#492: one row that cannot be taken stops everybody from taking any',
    edits: [
      {
        file: LEASE,
        find: '    // Read here so that the engine has the time limits of every lease at hand.\n',
        replace: '    if (job.tries > 0 && (job.flags & 8) !== 0) break\n',
      },
    ],
    caughtBy: ['L9', 'L11', 'CRASH'],
    needs: ['keys'],
  },
  {
    name: 'empty-id-ghosts',
    recreates: 'dbos-transact-py#759: an empty key is taken for a key',
    edits: [
      {
        file: 'src/client/embedded/validate.ts',
        find: "typeof value === 'string' && value.length > 0 && value.length <= MOST_KEY",
        replace: "typeof value === 'string' && value.length <= MOST_KEY",
      },
    ],
    caughtBy: ['D9'],
    needs: ['malformed'],
  },
  {
    name: 'torn-purge',
    recreates: 'dbos-transact-py#769: a job goes and what belongs to it stays',
    edits: [{ file: CONTROL, find: '  view.append.purge(job.id)\n', replace: '' }],
    caughtBy: ['C9', 'W9', 'D1'],
    needs: ['retention', 'output'],
  },
  {
    name: 'same-id-other-function',
    recreates: 'dbos-transact-ts#725: another body under a known key gets the answer of the first',
    edits: [
      {
        file: KEYS,
        find: "const sameCall = claim.digest === '' || row.digest === claim.digest",
        replace: 'const sameCall = true',
      },
    ],
    caughtBy: ['D9'],
    needs: ['keys'],
  },
  {
    name: 'lost-ack-conflicts',
    recreates:
      'dbos-transact-golang#392: a call that is tried again after a late acknowledgement meets itself',
    edits: [
      {
        file: ENQUEUE,
        find: 'if (before !== undefined) return JSON.parse(before.digest) as EnqueueReply',
        replace: '',
      },
    ],
    caughtBy: ['D9', 'D6'],
    needs: ['requests', 'loss', 'lostAcks'],
  },
  {
    name: 'rescuer-by-id-only',
    recreates: 'river#1302: the rescuer compares the id of a job and not its attempt',
    edits: [
      {
        file: TIME,
        find: LOSE_HOLDS,
        replace: LOSE_HOLDS.replace(
          '!holdsLease(job, command.attempt, command.nonce)',
          'job === undefined || job.state !== RUNNING',
        ),
      },
      {
        file: TIME,
        find: 'const { job: id, attempt, nonce, random } = command',
        replace:
          'const { job: id, random } = command\n  const { attempt, nonce = command.nonce } = job as { attempt: number; nonce: string }',
      },
    ],
    caughtBy: ['L6', 'L5'],
    needs: ['workerPauses', 'localWorkers'],
    from: 546,
  },
  {
    name: 'double-release',
    recreates: 'solid_queue#761: a slot that is given back is handed on twice',
    edits: [
      {
        file: ADMIT,
        find: '  while (view.holders.size(limit) < max) {',
        replace: '  for (let slots = 0; slots < 2 && max > 0; slots++) {',
      },
    ],
    caughtBy: ['C1'],
    needs: ['limits'],
  },
  {
    name: 'eta-over-visibility',
    recreates:
      'kombu#337: a delay longer than the visibility timeout is delivered once more before it is over',
    edits: [
      {
        file: TIME,
        find: 'if (job.rank > now) return moved',
        replace: 'if (job.rank > now && job.createdAt + 600_000 > now) return moved',
      },
    ],
    caughtBy: ['T1'],
    needs: ['longDelays'],
  },
  {
    name: 'failover-ignores-backoff',
    recreates: 'temporal#8593: what was in its back-off is tried at once by the next owner',
    edits: [
      {
        file: 'src/engine/workingset.ts',
        find: 'if (line !== EXPIRY_LINE) for (const job of window.jobs) this.jobs.load(job.id, job)',
        replace:
          'if (line !== EXPIRY_LINE) for (const job of window.jobs) this.jobs.load(job.id, job.state === 1 && job.tries > 0 ? { ...job, rank: 0 } : job)',
      },
    ],
    caughtBy: ['D4', 'T1', 'L7'],
    needs: ['nodeCrashes'],
  },
  {
    name: 'later-limits-dropped',
    recreates: 'silo 974b834: of several limits only the first is enforced',
    edits: [
      {
        file: ADMIT,
        find: 'for (const limit of limitsOf(draft).slice(draft.taken)) {',
        replace: 'for (const limit of limitsOf(draft).slice(draft.taken, 1)) {',
      },
    ],
    caughtBy: ['C6'],
    needs: ['limits'],
  },
  {
    name: 'expiry-leaks-holder',
    recreates: 'silo#255: a lease that runs out leaks its holder',
    edits: [
      {
        file: REPORT,
        find: '  releaseLimits(view, rest)\n  view.jobs.put(place(',
        replace: '  if (!outcome.lost) releaseLimits(view, rest)\n  view.jobs.put(place(',
      },
    ],
    caughtBy: ['C2', 'C3', 'C4', 'C5', 'C9', 'L9', 'D3'],
    needs: ['limits', 'workerCrashes'],
  },
  {
    name: 'restart-skips-limits',
    recreates: 'silo: a restarted job goes past its limits once',
    edits: [
      {
        file: CONTROL,
        find: '    dueAt: now,\n    tries: 0,\n',
        replace:
          '    dueAt: now,\n    tries: 0,\n    taken: job.limits === null ? 0 : JSON.parse(job.limits).length,\n',
      },
    ],
    caughtBy: ['C1', 'C6', 'C9', 'C2'],
    needs: ['limits', 'controls'],
    from: 6,
  },
]
