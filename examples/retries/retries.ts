/**
 * Retries and time limits: what is tried again, what is not, and how a handler hears that its time is over.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { fatal, job, open, retryAfter } from '../../src/index.ts'

/** Fails twice, and succeeds at the third attempt. The policy says how long to wait in between. */
const flaky = job('flaky', {
  retry: { attempts: 5, min: '20ms', factor: 2, max: '1s' },
  run: (_: undefined, ctx) => {
    if (ctx.attempt < 3) throw new Error(`attempt ${ctx.attempt} failed`)
    return `succeeded at attempt ${ctx.attempt}`
  },
})

/** Knows better than the policy: when to come back, and when there is no point in trying again. */
const payment = job('payment', {
  run: (card: string, ctx) => {
    if (card === 'expired') throw fatal('the card has expired')
    if (ctx.attempt === 1) throw retryAfter('the bank said: too many calls', '50ms')
    return 'paid'
  },
})

/** Takes too long. The signal aborts at the time limit; whatever can be given a signal is. */
const slow = job('slow', {
  retry: 1,
  timeout: { attempt: '100ms' },
  run: async (_: undefined, ctx) => {
    await delay(60_000, undefined, { signal: ctx.signal })
  },
})

await using app = await open('memory:')
app.work([flaky, payment, slow])

const jobs = {
  flaky: await app.enqueue(flaky),
  'payment with a good card': await app.enqueue(payment, 'good'),
  'payment with an expired card': await app.enqueue(payment, 'expired'),
  slow: await app.enqueue(slow),
}
for (const [name, handle] of Object.entries(jobs)) {
  const { state, result, error } = await handle.wait()
  const { attempts } = await handle.status()
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  console.log(
    `${name}: ${state} after ${tries}: ${error === null ? result : `${error.code}: ${error.message}`}`,
  )
}
