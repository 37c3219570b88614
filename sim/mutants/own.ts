/**
 * Defects that this code could have, or once had.
 */
import type { Mutant } from './mutant.ts'

const ENGINE = 'src/engine/engine.ts'
const LEASES = 'src/engine/leases.ts'
const DISK = 'sim/world/disk.ts'
const FENCE =
  'if (batch.epoch !== this.epoch || batch.sequence !== this.sequence + 1) throw fencedError(this, batch)'

export const OWN: readonly Mutant[] = [
  {
    name: 'no-fence',
    recreates: 'a store that takes every commit, whoever it comes from',
    edits: [{ file: DISK, find: FENCE, replace: '' }],
    caughtBy: ['O1', 'D3', 'D4'],
    needs: ['takeovers', 'nodePauses', 'lateCommits'],
  },
  {
    name: 'synchronous-normal',
    recreates:
      'a store that acknowledges what is written and not synced: a crash takes the latest commits back',
    edits: [
      {
        file: DISK,
        find: '      const error = this.#land(pending)\n',
        replace:
          '      pending.cancel = scheduler.after(1_000, () => this.#land(pending))\n      const error = undefined\n',
      },
    ],
    caughtBy: ['D1', 'D2', 'D3', 'D4', 'CRASH'],
    needs: ['nodeCrashes'],
  },
  {
    name: 'half-batch',
    recreates: 'a torn commit of which the first half is taken for the whole',
    edits: [
      {
        file: DISK,
        find: '    this.tables.apply(batch)\n',
        replace:
          '    this.tables.apply({ ...batch, jobs: batch.jobs.slice(0, Math.ceil(batch.jobs.length / 2)) })\n',
      },
    ],
    caughtBy: ['D1', 'D2', 'D3', 'D4', 'C9', 'CRASH'],
  },
  {
    name: 'epoch-stays',
    recreates: 'an owner that takes the shard under the epoch of the one before',
    edits: [
      { file: DISK, find: 'const epoch = this.epoch + 1', replace: 'const epoch = Math.max(1, this.epoch)' },
    ],
    caughtBy: ['O2'],
    needs: ['nodeCrashes'],
  },
  {
    name: 'goes-on-after-failed-commit',
    recreates: 'an engine that goes on with what it has in memory after a commit has failed',
    edits: [
      {
        file: ENGINE,
        find: '(error: unknown) => this.#flights.includes(flight) && void this.#crash(error),',
        replace: '() => this.#flights[0] === flight && this.#committed(flight),',
      },
    ],
    caughtBy: ['D7', 'D2', 'D1', 'D3'],
    needs: ['commitFailures'],
  },
  {
    name: 'numbers-of-others',
    recreates: 'an owner that is back takes the commit of another, which has its number, for its own',
    edits: [
      {
        file: ENGINE,
        find: 'if (this.#openedAt >= flight.batch.sequence && isOurs) this.#depart(flight)',
        replace: 'if (this.#openedAt >= flight.batch.sequence) this.#depart(flight)',
      },
    ],
    caughtBy: ['D2', 'D1'],
    needs: ['takeovers', 'commitFailures', 'nodePauses', 'slowness'],
    from: 278,
  },
  {
    name: 'heartbeats-do-nothing',
    recreates: 'a lease that runs out although its worker renews it',
    edits: [
      {
        file: LEASES,
        find: '    if (!running.isLocal) running.deadline = now + running.termMs\n    return true',
        replace: '    return true',
      },
    ],
    caughtBy: ['L5'],
    from: 3,
  },
  {
    name: 'no-fresh-term',
    recreates: 'leases that run out while nobody could renew them, since their owner was away',
    edits: [{ file: 'src/engine/duties.ts', find: 'if (wasAway) leases.refresh(now)', replace: '' }],
    caughtBy: ['L5', 'L10', 'L9'],
    needs: ['nodePauses'],
    from: 16,
  },
  {
    name: 'reaped-lease-renewed',
    recreates: 'a heartbeat brings back a lease that is being ended',
    edits: [
      {
        file: LEASES,
        find: 'if (running === undefined || running.isGivenUp) return undefined',
        replace: 'if (running === undefined) return undefined',
      },
    ],
    caughtBy: ['L5'],
    needs: ['workerPauses', 'slowness', 'smallMemory', 'loss'],
    from: 90,
  },
  {
    name: 'cancelled-job-runs',
    recreates: 'a job that waits for a worker is asked to stop, as if it ran, and runs',
    edits: [
      {
        file: 'src/core/commands/control.ts',
        find: '  const freed: number[] = []\n',
        replace:
          '  if (job.state === READY) return done(view, { ...job, cancelAt: now, error })\n  const freed: number[] = []\n',
      },
    ],
    caughtBy: ['K2', 'K3'],
    needs: ['controls'],
  },
  {
    name: 'restart-keeps-result',
    recreates: 'an end that changes: a job that has succeeded can be cancelled',
    edits: [
      {
        file: 'src/core/commands/control.ts',
        find: 'if (job.state === SUCCEEDED || job.state === FAILED) {',
        replace: 'if (job.state === FAILED) {',
      },
    ],
    caughtBy: ['L8', 'K3', 'CRASH'],
    needs: ['controls'],
  },
  {
    name: 'attempts-without-end',
    recreates: 'a job that is tried once more than it may',
    edits: [
      {
        file: 'src/core/policy/retry.ts',
        find: 'return tries < policy.attempts &&',
        replace: 'return tries <= policy.attempts &&',
      },
    ],
    caughtBy: ['L7'],
  },
  {
    name: 'waiter-forgotten',
    recreates: 'a slot that becomes free and that nobody hears of',
    edits: [
      {
        file: 'src/core/policy/admit.ts',
        find: 'for (const limit of freed.toSorted((a, b) => b - a)) grant(view, limit)',
        replace: 'for (const limit of freed.slice(1).toSorted((a, b) => b - a)) grant(view, limit)',
      },
    ],
    caughtBy: ['C5', 'L9'],
    needs: ['limits'],
  },
  {
    name: 'barging',
    recreates: 'a new job takes a slot past those who wait for it',
    edits: [
      {
        file: 'src/core/policy/admit.ts',
        find: 'if (view.holders.size(limit) >= max || nextWaiter(view, limitLine(limit), { at: 0 }) !== undefined) {',
        replace: 'if (view.holders.size(limit) > max) {',
      },
    ],
    caughtBy: ['C1'],
    needs: ['limits'],
  },
  {
    name: 'newest-first',
    recreates: 'a line that is served from its second place on',
    edits: [
      {
        file: 'src/core/commands/lease.ts',
        find: 'const head: Head = { line, share: served, turn, position: 0, job: undefined }',
        replace:
          'const head: Head = { line, share: served, turn, position: view.headSize(line) > 1 ? 1 : 0, job: undefined }',
      },
    ],
    caughtBy: ['C8', 'L9'],
  },
  {
    name: 'window-forgets',
    recreates: 'what is put into a line while its next window is being read is lost',
    edits: [
      {
        file: 'src/engine/line.ts',
        find: 'if (this.#loading) this.#aside.set(place.id, place)',
        replace: '',
      },
    ],
    caughtBy: ['L9', 'C5', 'C8', 'D5', 'D3', 'CRASH'],
    needs: ['smallMemory', 'slowness'],
    from: 9,
  },
  {
    name: 'read-beside-commits',
    recreates: 'rows that a commit on its way carries are read as they were before it',
    edits: [
      {
        file: DISK,
        find: 'return this.#inTurn(() => {\n      const { epoch, tables } = this.#disk',
        replace: 'return this.#read(() => {\n      const { epoch, tables } = this.#disk',
      },
    ],
    caughtBy: ['D4', 'D3', 'D5', 'L9', 'C5', 'C8', 'D2', 'C9', 'CRASH', 'D9'],
    needs: ['smallMemory'],
    from: 7,
  },
  {
    name: 'end-unheard',
    recreates: 'an end that nobody hears of who waits for it',
    edits: [
      {
        file: 'src/engine/announcer.ts',
        find: 'else if (ends || this.isHeard) this.#changes.push',
        replace: 'else if (this.isHeard) this.#changes.push',
      },
    ],
    caughtBy: ['L9'],
    from: 3,
  },
  {
    name: 'started-without-time',
    recreates: 'a worker starts what it was given before it stood still, without asking whether it still may',
    edits: [
      {
        file: 'src/worker/heartbeat.ts',
        find: 'return now < attempt.leaseUntil - attempt.lease.heartbeatMs / 3',
        replace: 'return attempt.lease.heartbeatMs > 0 && now > 0',
      },
    ],
    caughtBy: ['L10'],
    needs: ['workerPauses'],
  },
  {
    name: 'stall-forgotten',
    recreates: 'a worker that stood still doubts no lease any more once its timers have run',
    edits: [
      {
        file: 'src/worker/heartbeat.ts',
        find: 'return askedAt < this.#stall.seenAt ? Math.min(since, this.#stall.from) : since',
        replace: 'return askedAt < 0 ? this.#stall.from : since',
      },
    ],
    caughtBy: ['L10'],
    needs: ['workerPauses'],
  },
  {
    name: 'impure-command',
    recreates: 'a command whose result depends on more than rows, command and time',
    edits: [
      {
        file: 'src/core/commands/report.ts',
        find: 'const delay = outcome.retryAfterMs ?? backoffMs(retry, job.tries, random)',
        replace:
          'const delay = outcome.retryAfterMs ?? backoffMs(retry, job.tries, Math.random() + 0 * random)',
      },
    ],
    caughtBy: ['D5'],
  },
  {
    name: 'share-given-twice',
    recreates: 'two jobs of one command reserve the same processors',
    edits: [
      {
        file: 'src/core/policy/room.ts',
        find: 'this.#cpus -= cpus',
        replace: 'this.#cpus -= 0 * cpus',
      },
    ],
    caughtBy: ['C10'],
    needs: ['placement'],
  },
  {
    name: 'shares-forgotten',
    recreates: 'an owner that opens a shard knows nothing of what the running jobs reserve',
    edits: [
      {
        file: 'src/engine/engine.ts',
        find: 'workingSet.reserve(job, shareOf(profileOf(job).requires))',
        replace: 'workingSet.reserve(job, shareOf({ ...profileOf(job).requires, cpus: 0, memory: 0 }))',
      },
    ],
    caughtBy: ['C9', 'C10'],
    needs: ['placement', 'nodeCrashes'],
  },
]
