import { describe, expect, it } from 'vitest'
import type { JobDetails, JobView, QueueCounts } from '../client/types.ts'
import { DEFAULT_PROFILE } from '../core/model/profile.ts'
import { JOB_STATES } from '../core/model/states.ts'
import { describeJob, noteOn, quoteWord, renderDetails, renderJobs, renderQueues } from './describe.ts'

const NOW = Date.UTC(2030, 0, 31, 12)

const view = (changes: Partial<JobView>): JobView => ({
  id: 1,
  kind: 'shell',
  queue: 'default',
  namespace: 'default',
  state: 'ready',
  priority: 0,
  parent: null,
  key: null,
  metadata: {},
  limits: [],
  createdAt: NOW - 5_000,
  dueAt: NOW - 5_000,
  startedAt: null,
  finishedAt: null,
  attempts: 0,
  attemptsSinceRestart: 0,
  maxAttempts: 3,
  worker: null,
  cancelRequested: false,
  unplaced: null,
  pendingDependencies: 0,
  progress: null,
  input: { argv: ['make', '-j4'] },
  result: null,
  error: null,
  ...changes,
})

const counts = (queue: string, changes: Partial<QueueCounts['states']>, paused = false): QueueCounts => ({
  namespace: 'default',
  queue,
  paused,
  states: {
    ...(Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as QueueCounts['states']),
    ...changes,
  },
})

describe('a job in one line', () => {
  it('is its command as a shell would need it, its script, or its kind and input', () => {
    const of = (kind: string | null, input: unknown) => describeJob({ kind, input })
    expect(of('shell', { argv: ['echo', 'a b', "it's", ''] })).toBe(`echo 'a b' 'it'\\''s' ''`)
    expect(of('shell', { script: '\nset -e\nmake', args: ['x y'] })).toBe(`set -e 'x y'`)
    expect(of('shell', { weird: 1 })).toBe('shell {"weird":1}')
    expect(of('resize', { width: 3 })).toBe('resize {"width":3}')
    expect(of('tick', null)).toBe('tick')
    expect(of('perdure.human', { title: 'Pay?', assignee: 'ada' })).toBe('ask ada: Pay?')
    expect(of('perdure.human', { title: 'Pay?', assignee: null })).toBe('ask anybody: Pay?')
    expect(of(null, null)).toBe('(group)')
    expect(quoteWord('a-b_c/d.e=f')).toBe('a-b_c/d.e=f')
  })

  it('has a note for what is worth knowing', () => {
    const note = (changes: Partial<JobView>) => noteOn(view(changes), NOW)
    const error = { code: 'EXIT_CODE', message: '...', data: { exitCode: 3, signal: null } }
    expect(note({ state: 'running', progress: { fraction: 0.456, message: 'packing' } })).toBe('45% packing')
    expect(note({ state: 'running', cancelRequested: true })).toBe('asked to stop')
    expect(note({ state: 'scheduled', dueAt: NOW + 90_000 })).toBe('in 1m')
    expect(note({ state: 'scheduled', dueAt: NOW + 2_000, error })).toBe('in 2s, after EXIT_CODE')
    expect(note({ state: 'blocked', pendingDependencies: 2 })).toBe('after 2 jobs')
    expect(note({ state: 'waiting', limits: ['api', 'disk'] })).toBe('limit api, disk')
    expect(note({ state: 'failed', error })).toBe('exit 3')
    expect(note({ state: 'failed', error: { ...error, data: { exitCode: null, signal: 'SIGKILL' } } })).toBe(
      'SIGKILL',
    )
    expect(note({ state: 'failed', error: { code: 'TIMEOUT', message: '...' } })).toBe('TIMEOUT')
    expect(note({ state: 'ready' })).toBe('')
    expect(note({ state: 'ready', kind: 'perdure.human' })).toBe('see perdure inbox')
    expect(note({ state: 'suspended' })).toBe('see perdure show')
    expect(note({ state: 'held' })).toBe('')
    expect(note({ state: 'held', error: { code: 'NON_DETERMINISM', message: '...' } })).toBe(
      'NON_DETERMINISM',
    )
  })
})

describe('tables', () => {
  it('show jobs, and cut the command where the terminal ends', () => {
    const jobs = [
      view({ id: 12, state: 'running', startedAt: NOW - 3_000, attemptsSinceRestart: 1 }),
      view({
        id: 7,
        namespace: 'team',
        state: 'failed',
        finishedAt: NOW - 7_200_000,
        attemptsSinceRestart: 3,
        input: { argv: ['echo', '\x1b[2J\nevil'] },
        error: { code: 'TIMEOUT', message: '' },
      }),
    ]
    expect(renderJobs(jobs, NOW, Number.POSITIVE_INFINITY)).toBe(
      'ID  STATE    QUEUE         TRIES  FOR  JOB           NOTE\n' +
        '12  running  default         1/3   3s  make -j4\n' +
        " 7  failed   team/default    3/3   2h  echo ' evil'  TIMEOUT\n",
    )
    for (const line of renderJobs(jobs, NOW, 56).split('\n')) expect(line.length).toBeLessThanOrEqual(56)
  })

  it('show queues with something in them, and only the states that occur', () => {
    expect(
      renderQueues(
        [counts('default', { ready: 3, failed: 1 }), counts('old', {}), counts('video', {}, true)],
        80,
      ),
    ).toBe(
      'QUEUE           READY  FAILED\n' +
        'default             3       1\n' +
        'video (paused)      -       -\n',
    )
    expect(renderQueues([counts('old', {})], 80)).toBe('')
  })

  it('show everything about one job', () => {
    const job: JobDetails = {
      ...view({
        state: 'failed',
        startedAt: NOW - 4_000,
        finishedAt: NOW - 1_000,
        attempts: 1,
        attemptsSinceRestart: 1,
        metadata: { batch: '7' },
        error: { code: 'EXIT_CODE', message: 'It ended with 3.', data: { exitCode: 3 } },
      }),
      history: [
        {
          number: 1,
          worker: 'host:1:1',
          startedAt: NOW - 4_000,
          endedAt: NOW - 1_000,
          outcome: 'failed',
          error: { code: 'EXIT_CODE', message: '', data: { exitCode: 3 } },
        },
      ],
      dependsOn: [3, 4],
      dependents: [],
      options: { ...DEFAULT_PROFILE, command: { cwd: '/src' } },
    }
    expect(renderDetails(job, NOW, 80)).toBe(
      [
        'job      1',
        'state    failed (exit 3)',
        'what     make -j4',
        'queue    default/default, priority 0',
        'created  2030-01-31T11:59:55.000Z',
        'started  2030-01-31T11:59:56.000Z',
        'ended    2030-01-31T11:59:59.000Z',
        'tries    1 of 5',
        'folder   /src',
        'after    3, 4',
        'meta     batch=7',
        'error    It ended with 3.',
        '',
        'TRY  OUTCOME  STARTED                   TOOK  WORKER    NOTE',
        '  1  failed   2030-01-31T11:59:56.000Z    3s  host:1:1  exit 3',
        '',
      ].join('\n'),
    )
  })
})
