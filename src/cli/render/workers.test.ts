import { expect, it } from 'vitest'
import type { WorkerView } from '../../client/types.ts'
import { renderWorkers } from './workers.ts'

const NOW = 1_700_000_000_000
const run = (job: number, agoMs: number) => ({
  ...{ job, kind: 'resize', queue: 'default', namespace: 'default', attempt: 1 },
  startedAt: NOW - agoMs,
})
const busy: WorkerView = {
  ...{ name: 'busy', host: 'a', pid: 7 },
  status: {
    ...{ state: 'working', startedAt: NOW - 3_600_000, kinds: ['resize'], queues: ['default', 'video'] },
    ...{ slots: 4, ended: { succeeded: 9, failed: 2, lost: 1, snoozed: 3 }, lastError: 'no disk' },
  },
  running: [run(5, 1_000), run(3, 60_000)],
}
/** Holds leases, and is not connected. */
const away: WorkerView = { name: 'away', host: null, pid: null, status: null, running: [run(4, 5_000)] }

it('shows who works, what it does, and how it went', () => {
  expect(renderWorkers([], NOW, 200)).toBe('No workers.\n')
  expect(renderWorkers([{ ...busy, running: [] }], NOW, 200)).toBe(
    'WORKER  STATE    BUSY  OK  FAILED  UP  QUEUES         LAST ERROR\n' +
      'busy    working   0/4   9       3  1h  default video  no disk\n',
  )
})

it('says little of a worker that is away, and what it holds', () => {
  const [, row, , , ...claims] = renderWorkers([away, busy], NOW, 200).split('\n')
  expect(row?.split(/ {2,}/)).toEqual(['away', 'away', '1/?'])
  expect(claims.map((line) => line.trim().split(/ +/)[0])).toEqual(['JOB', '3', '4', '5', ''])
})

it('shows what has run longest of all that runs', () => {
  const running = Array.from({ length: 30 }, (_, index) => run(100 + index, index * 1_000))
  const shown = renderWorkers([{ ...busy, running }], NOW, 200)
  expect(shown).toContain('\n129 ')
  expect(shown).not.toContain('\n109 ')
  expect(shown).toMatch(/\n\.\.\. and 10 more\n$/)
})
