/** A short sweep: all single crashes, and some pairs. `npm run sim -- --crash-everywhere` tries all pairs. */
import { expect, it } from 'vitest'
import { runTask } from '../program/task.ts'
import { sweep } from './everywhere.ts'

/** All commands but `settle`: only a cascade of thousands of jobs is settled in steps. */
const COMMANDS = [
  'control',
  'due',
  'enqueue',
  'expire',
  'import',
  'lease',
  'log',
  'lose',
  'pause',
  'progress',
  'record',
  'report',
  'signal',
]

it.each(['file', 'network'] as const)(
  'survives a crash at every operation of a %s store, and at pairs of them',
  { timeout: 5 * 60_000 },
  async (store) => {
    const { failed, runs, operations, commands } = await sweep(store, { every: 101, run: runTask, jobs: 1 })
    expect(failed?.failure).toBeUndefined()
    expect(runs).toBeGreaterThan(2 * operations)
    expect(Object.keys(commands).sort()).toEqual(COMMANDS)
  },
)
