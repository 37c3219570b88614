/** The handlers by which the suite of all executors tells a function executor, in this process or in others, what to do. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Handler } from '../function.ts'

export const SUITE_HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['succeed', () => 1],
  ['fail', () => Promise.reject(new Error('expected this; found that. Do something.'))],
  [
    'wait',
    async (_input, { log, signal }) => {
      log('started')
      await sleep(60_000, undefined, { signal })
    },
  ],
  [
    'ignore',
    (_input, { log }) => {
      log('started')
      return new Promise(() => {})
    },
  ],
  ['print', (input: string, { log }) => log(input)],
  ['progress', (_input, { progress }) => progress(0.5, 'half')],
])
