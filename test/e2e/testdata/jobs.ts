/** Jobs of the tests of workers with processes of their own. */
import { job } from '../../../src/index.ts'

export const pid = job('pid', { run: () => process.pid })
export const crash = job('crash', {
  retry: { attempts: 2, min: '1ms' },
  run: () => void process.kill(process.pid, 'SIGKILL'),
})
export const greedy = job('greedy', {
  retry: 1,
  run: () => {
    const eaten: number[][] = []
    for (;;) eaten.push(new Array(100_000).fill(eaten.length))
  },
})
export const blocked = job('blocked', {
  retry: 1,
  timeout: { attempt: '200ms', grace: '100ms' },
  run: () => {
    for (;;);
  },
})
