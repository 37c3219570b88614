/**
 * Known bugs of the field that concern durability, ownership, workers and recovery.
 */
import type { Mutant } from './mutant.ts'

const ENGINE = 'src/engine/engine.ts'
const LEASES = 'src/engine/leases.ts'
const DISK = 'sim/world/disk.ts'

const FENCE =
  'if (batch.epoch !== this.epoch || batch.sequence !== this.sequence + 1) throw fencedError(this, batch)'

export const FIELD_ENGINE: readonly Mutant[] = [
  {
    name: 'expired-still-running',
    recreates: 'pg-boss#555: a handler runs on while the next attempt runs',
    edits: [
      {
        file: 'src/worker/runner.ts',
        find: "if (attempt.phase === RUNNING) this.#stop(attempt, 'lease-lost', attempt.graceMs)",
        replace: '',
      },
    ],
    caughtBy: ['L10'],
    needs: ['workerPauses', 'partitions'],
    from: 4,
  },
  {
    name: 'stale-snapshot-recovery',
    recreates: 'dbos-transact-py#742: what was decided before ownership was lost is done after it',
    edits: [
      {
        file: ENGINE,
        find: 'this.#inbox = tasks.filter((task) => task.restart === undefined && !carried.has(task))',
        replace: 'this.#inbox = tasks.filter((task) => !carried.has(task))',
      },
      {
        file: ENGINE,
        find: 'if (task.restart !== undefined) task.restart()\n      else if (carried.has(task))',
        replace: 'if (task.restart === undefined && carried.has(task))',
      },
    ],
    caughtBy: ['L5', 'L6', 'D2', 'D5', 'L9', 'C8', 'CRASH', 'L1'],
    needs: ['commitFailures', 'workerCrashes', 'smallMemory', 'nodePauses'],
    from: 55,
  },
  {
    name: 'rescuer-unknown-kind',
    recreates: 'river#1105: a worker is given kinds that it does not know, and discards them',
    edits: [
      {
        file: 'src/engine/dispatcher.ts',
        find: 'for (const kindText of poll.kinds) {',
        replace: "for (const kindText of ['plain', 'broken', 'rare']) {",
      },
      {
        file: 'src/worker/runner.ts',
        find: "this.#end(attempt, { type: 'snoozed', delayMs: UNKNOWN_KIND_SNOOZE_MS })",
        replace: "this.#end(attempt, failure(new Error('unknown kind'), 'UNKNOWN_KIND', false))",
      },
    ],
    caughtBy: ['L11'],
  },
  {
    name: 'cut-connection-locks-queue',
    recreates: 'graphile-worker#254: what a worker that is gone had locked stays locked',
    edits: [
      {
        file: LEASES,
        find: 'deadline: isLocal ? Infinity : now + heartbeatMs,',
        replace: 'deadline: Infinity,',
      },
    ],
    caughtBy: ['L9'],
    needs: ['workerCrashes'],
  },
  {
    name: 'restart-loses-tasks',
    recreates: 'temporal#459: tasks that wait are forgotten by a restart',
    edits: [
      {
        file: 'src/engine/workingset.ts',
        find: 'this.lines = new Lines(opening.nextJobId === 1, residency)',
        replace: 'this.lines = new Lines(true, residency)',
      },
    ],
    caughtBy: ['L9', 'D1', 'D5'],
    needs: ['nodeCrashes', 'delays'],
  },
  {
    name: 'newer-owner-tasks',
    recreates: 'temporal#2361: an owner that was replaced goes on with what the newer one has written',
    edits: [{ file: DISK, find: FENCE, replace: FENCE.replace('batch.epoch !== this.epoch || ', '') }],
    caughtBy: ['O1', 'C5', 'D3', 'D4', 'D6'],
    needs: ['takeovers', 'nodePauses', 'lateCommits'],
    from: 22,
  },
  {
    name: 'early-ack',
    recreates: 'etcd#14370: replies leave before the commit',
    edits: [
      {
        file: ENGINE,
        find: '    this.#flights.push(flight)\n',
        replace: '    this.#flights.push(flight)\n    this.#answer(departure.answered)\n',
      },
      {
        file: ENGINE,
        find: '    this.#answer(departure.answered)\n    const { progress',
        replace: '    const { progress',
      },
    ],
    caughtBy: ['D1', 'D2'],
  },
  {
    name: 'ack-without-fsync',
    recreates: 'nats-server#7564: acknowledged now, on disk two minutes later',
    edits: [
      {
        file: DISK,
        find: '      const error = this.#land(pending)\n',
        replace:
          '      pending.cancel = scheduler.after(120_000, () => this.#land(pending))\n      const error = undefined\n',
      },
    ],
    caughtBy: ['D1', 'D2', 'D3', 'D4', 'CRASH'],
  },
  {
    name: 'in-process-lock-flag',
    recreates: 'wolverine#2602: the lock is lost, but its flag in the process is still set',
    edits: [
      {
        file: ENGINE,
        find: "      if (error instanceof PerdureError && error.code === 'FENCED') throw error\n",
        replace: '',
      },
      {
        file: DISK,
        find: FENCE,
        replace: 'if (batch.sequence !== this.sequence + 1) throw fencedError(this, batch)',
      },
    ],
    caughtBy: ['O1', 'D3', 'D4', 'D2', 'CRASH'],
    needs: ['takeovers', 'nodePauses', 'lateCommits'],
  },
  {
    name: 'reused-node-name',
    recreates: 'oban#862: a node that is started again under its name takes its orphans for alive',
    edits: [
      {
        file: ENGINE,
        find: 'for (const lease of engine.leases.local()) engine.#duties.lose(lease)',
        replace: '',
      },
    ],
    caughtBy: ['L9'],
    needs: ['nodeCrashes', 'localWorkers'],
  },
  {
    name: 'output-and-end-apart',
    recreates: 'restate#447: the output and the end of an invocation are two changes',
    edits: [
      {
        file: 'src/core/commands/report.ts',
        find: "  view.append.payload({ job: job.id, field: 'result', text: result })\n",
        replace: '',
      },
    ],
    caughtBy: ['L2', 'L8'],
    needs: ['largeValues'],
  },
]
