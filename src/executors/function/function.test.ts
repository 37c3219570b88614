import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { perdureError } from '../../errors.ts'
import { attemptOf, executorSuite, start, TestControl } from '../executor.suite.ts'
import type { HandlerContext } from './context.ts'
import { cancel, fail, fatal, retryAfter, snooze } from './directives.ts'
import { createFunctionExecutor, type Handler } from './function.ts'
import { SUITE_HANDLERS } from './testdata/suite-handlers.ts'

/** An object with a `then`, as foreign promises are. */
const thenable = (value: unknown): unknown => Object.fromEntries([['then', value]])
const work = (kind: string, input: unknown = null) => ({ kind, input })

executorSuite('function', {
  create: () => createFunctionExecutor(SUITE_HANDLERS),
  succeed: work('succeed'),
  fail: { ...work('fail'), code: 'HANDLER_FAILED' },
  wait: work('wait'),
  ignore: work('ignore'),
  print: (text) => work('print', text),
  progress: work('progress'),
  broken: [work('nobody knows this'), work('')],
})

/** Runs one handler, and stops it by `stop` if that is given. */
async function outcomeOf(handler: Handler, input: unknown = undefined) {
  return start(createFunctionExecutor(new Map([['it', handler]])), { kind: 'it', input }).done
}

describe('what a handler returns', () => {
  it.each([
    ['undefined', () => {}, { type: 'succeeded' }],
    ['null', () => null, { type: 'succeeded', result: null }],
    ['a value', (input: number) => input + 1, { type: 'succeeded', result: 42 }],
    ['a promise', async (input: number) => input + 1, { type: 'succeeded', result: 42 }],
    [
      'a thenable of another make',
      () => thenable((act: (n: number) => void) => act(7)),
      { type: 'succeeded', result: 7 },
    ],
    ['an object with another then', () => thenable(1), { type: 'succeeded', result: thenable(1) }],
    ['snooze', () => snooze('5m'), { type: 'snoozed', delayMs: 300_000 }],
    ['a promise of snooze', async () => snooze(250), { type: 'snoozed', delayMs: 250 }],
    ['cancel', () => cancel('no longer wanted'), { type: 'cancelled', reason: 'no longer wanted' }],
    ['cancel without a reason', () => cancel(), { type: 'cancelled' }],
  ])('%s', async (_name, handler, outcome) => {
    expect(await outcomeOf(handler as Handler, 41)).toEqual(outcome)
  })

  it('an answer without a promise for a handler without one', () => {
    const executor = createFunctionExecutor(new Map([['it', () => 7]]))
    const { attempt, control } = attemptOf(work('it'))
    expect(executor.run(attempt, control)).toEqual({ type: 'succeeded', result: 7 })
  })

  it('never looks at the signal for a handler that does not wait', async () => {
    class Careful extends TestControl {
      override get signal(): AbortSignal {
        throw new Error('an AbortController would have been made')
      }
      override get stopReason() {
        return undefined
      }
    }
    const executor = createFunctionExecutor(
      new Map<string, Handler>([
        ['sync', () => 1],
        ['async', async () => 2],
      ]),
    )
    for (const [kind, result] of [
      ['sync', 1],
      ['async', 2],
    ] as const) {
      const { attempt } = attemptOf(work(kind))
      expect(await executor.run(attempt, new Careful())).toEqual({ type: 'succeeded', result })
    }
  })
})

describe('what a handler throws', () => {
  it.each([
    ['an error', () => new Error('broken'), { code: 'HANDLER_FAILED', message: 'broken' }, {}],
    [
      'an error of ours',
      () => perdureError('NOT_FOUND', { expected: 'a', found: 'b', fix: 'c' }),
      { code: 'NOT_FOUND' },
      {},
    ],
    ['a text', () => 'broken', { code: 'HANDLER_FAILED', message: 'broken' }, {}],
    ['undefined', () => undefined, { code: 'HANDLER_FAILED', message: 'undefined' }, {}],
    ['something that cannot be text', () => Object.create(null), { code: 'HANDLER_FAILED' }, {}],
    ['fatal', () => fatal(new Error('for good')), { message: 'for good' }, { retry: false }],
    ['retryAfter', () => retryAfter('busy', '30s'), { message: 'busy' }, { retryAfterMs: 30_000 }],
  ])('%s', async (_name, thrown, error, more) => {
    const expected = { type: 'failed', error: expect.objectContaining(error), ...more }
    const throwing = (): never => {
      throw thrown()
    }
    expect(await outcomeOf(throwing)).toEqual(expected)
    expect(await outcomeOf(async () => throwing())).toEqual(expected)
  })

  it('fail is the same without throwing', async () => {
    const outcome = await outcomeOf(() => fail(new Error('no'), { retry: false, retryAfter: '1m' }))
    expect(outcome).toMatchObject({
      type: 'failed',
      retry: false,
      retryAfterMs: 60_000,
      error: { message: 'no' },
    })
  })

  it('a delay that cannot be read fails the attempt with the reason', async () => {
    expect(await outcomeOf(() => snooze('soon'))).toMatchObject({
      type: 'failed',
      error: { code: 'INVALID_DURATION' },
    })
  })
})

describe('the context', () => {
  it('tells everything about the attempt', async () => {
    const seen = (_input: unknown, context: HandlerContext) => {
      const { job, kind, queue, namespace, attempt, attemptSinceRestart, isLastAttempt, token, metadata } =
        context
      return { job, kind, queue, namespace, attempt, attemptSinceRestart, isLastAttempt, token, metadata }
    }
    const given = { attempt: 7, attemptSinceRestart: 2, isLastAttempt: true, metadata: { color: 'red' } }
    const executor = createFunctionExecutor(new Map<string, Handler>([['it', seen]]))
    const { attempt, done } = start(executor, work('it'), given)
    const { input: _, ...rest } = attempt
    expect(await done).toEqual({ type: 'succeeded', result: rest })
  })

  it('logs lines: text as it is, the rest as JSON, and what JSON cannot carry as Node shows it', async () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    const executor = createFunctionExecutor(
      new Map<string, Handler>([
        [
          'it',
          (_input, { log }) => {
            for (const value of ['text', 'line\n', { a: [1] }, 5, undefined, loop, 10n]) log(value)
          },
        ],
      ]),
    )
    const { control, done } = start(executor, work('it'))
    await done
    expect(control.text('log')).toBe(
      'text\nline\n{"a":[1]}\n5\nundefined\n<ref *1> { self: [Circular *1] }\n10n\n',
    )
  })
})

describe('a stop', () => {
  const stopped = async (reason: 'cancel' | 'timeout' | 'lease-lost' | 'drain', onStop: () => unknown) => {
    const handler: Handler = async (_input, { log, signal }) => {
      log('started')
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return onStop()
    }
    const { control, done } = start(createFunctionExecutor(new Map([['it', handler]])), work('it'))
    await control.printed('started')
    control.stop(reason)
    return done
  }
  const raise = (thrown: unknown) => () => {
    throw thrown
  }

  it('lets a result stand', async () => {
    for (const reason of ['cancel', 'timeout', 'lease-lost', 'drain'] as const) {
      expect(await stopped(reason, () => 'done')).toEqual({ type: 'succeeded', result: 'done' })
    }
  })

  it('by a drain releases what ended because of it, and nothing else', async () => {
    expect(await stopped('drain', raise('drain'))).toEqual({ type: 'released' })
    expect(await stopped('drain', raise(new DOMException('stop', 'AbortError')))).toEqual({
      type: 'released',
    })
    expect(await stopped('drain', raise(new Error('why', { cause: 'drain' })))).toEqual({ type: 'released' })
    expect(await stopped('drain', raise(new Error('broken')))).toMatchObject({ error: { message: 'broken' } })
    expect(await stopped('drain', () => snooze(5))).toEqual({ type: 'snoozed', delayMs: 5 })
  })

  it('by a timeout fails, whatever the handler says except success', async () => {
    for (const end of [raise(new Error('broken')), () => snooze(5), raise(fatal('never'))]) {
      const outcome = await stopped('timeout', end)
      expect(outcome).toMatchObject({ type: 'failed', error: { code: 'TIMEOUT' } })
      expect(outcome).not.toHaveProperty('retry')
    }
  })

  it('counts handlers that ignore it as strays until they end, and says so', async () => {
    let release: () => void = () => {}
    const executor = createFunctionExecutor(
      new Map<string, Handler>([
        [
          'it',
          (_input, { log }) => {
            log('started')
            return new Promise<void>((resolve) => {
              release = resolve
            })
          },
        ],
      ]),
    )
    const { control, done } = start(executor, work('it'))
    control.graceMs = 20
    await control.printed('started')
    control.stop('timeout')
    expect(await done).toMatchObject({
      error: {
        code: 'TIMEOUT',
        message: expect.stringContaining('ignored its signal for 20ms; a function cannot be killed'),
      },
    })
    expect(executor.strays()).toBe(1)
    release()
    await sleep(0)
    expect(executor.strays()).toBe(0)
  })
})
