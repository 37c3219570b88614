/** The program of a process of the pool's tests. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createFunctionExecutor, type Handler } from '../../function/function.ts'
import { SUITE_HANDLERS } from '../../function/testdata/suite-handlers.ts'
import { serveExecutor } from '../serve.ts'

const never = (): Promise<never> => new Promise(() => {})

const HANDLERS = new Map<string, Handler>([
  ...SUITE_HANDLERS,
  ['pid', () => process.pid],
  [
    'block',
    async (_input, { log }) => {
      log('started')
      await sleep(1)
      for (;;);
    },
  ],
  ['exit', () => process.exit(7)],
  ['kill', () => void process.kill(process.pid, 'SIGKILL')],
  [
    'throw later',
    () => {
      setTimeout(() => {
        throw new Error('nobody catches this')
      }, 1)
      return never()
    },
  ],
  [
    'eat memory',
    () => {
      const eaten: number[][] = []
      for (;;) eaten.push(new Array(100_000).fill(eaten.length))
    },
  ],
])

if (process.argv[2] === 'broken') {
  void serveExecutor(() => Promise.reject(new Error('no such module')))
} else {
  const executor = createFunctionExecutor(HANDLERS)
  void serveExecutor(async () => ({ executor, strays: () => executor.strays() }))
}
