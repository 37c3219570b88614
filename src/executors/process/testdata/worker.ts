/** A worker that a test kills: tells the pid of its process. */
import { start } from '../../executor.suite.ts'
import { createProcessPool } from '../pool.ts'

const pool = createProcessPool({
  entry: new URL('./handlers.ts', import.meta.url),
  args: [],
  memoryMb: undefined,
  processes: 1,
  each: 1,
})
const { done } = start(pool, { kind: 'succeed', input: null })
void Promise.resolve(done).then(() => process.send?.(pool.pids()[0]))
