/**
 * What every executor has to do, as tests that run on any of them.
 *
 * Owns: the promises of executor.ts. An executor brings a set-up that knows inputs for each behaviour; where it
 * cannot do something (report progress, kill), the set-up says so.
 */
import { getEventListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogStream, Outcome, StopReason } from '../core/model/outcome.ts'
import type { Attempt, AttemptControl, Executor } from './executor.ts'

/** What an attempt is to do. */
export interface Work {
  readonly kind: string
  readonly input: unknown
}

/** How the suite speaks to one executor. */
export interface ExecutorSetup {
  create(): Executor
  /** Ends at once with success. */
  readonly succeed: Work
  /** Ends at once with a failure of this code. */
  readonly fail: Work & { readonly code: string }
  /** Prints `started` in a line, then waits until it is asked to stop, and heeds that at once. */
  readonly wait: Work
  /** Prints `started` in a line, and does not end when asked. */
  readonly ignore: Work
  /** Prints this text. */
  print(text: string): Work
  /** Prints so many characters as fast as it can, and succeeds. Undefined: what a function prints is its own affair. */
  readonly flood?: { work(characters: number): Work; readonly most: number }
  /** Tells of progress 0.5 with the word `half`. */
  readonly progress?: Work
  /** Inputs that make no sense. */
  readonly broken: readonly Work[]
}

/** A control that notes what it is told. */
export class TestControl implements AttemptControl {
  graceMs = 10_000
  stopSignal: string | undefined
  readonly pieces: { stream: LogStream; text: string }[] = []
  readonly moves: [number, string | undefined][] = []
  readonly #controller = new AbortController()
  #onInsist: (() => void) | undefined
  readonly #waiting = new Set<() => void>()

  get signal(): AbortSignal {
    return this.#controller.signal
  }
  get stopReason(): StopReason | undefined {
    return this.#controller.signal.reason
  }
  log(stream: LogStream, text: string): void {
    this.pieces.push({ stream, text })
    for (const check of this.#waiting) check()
  }
  progress(fraction: number, message?: string): void {
    this.moves.push([fraction, message])
  }
  giveWay(): Promise<void> {
    return Promise.resolve()
  }
  onInsist(listener: () => void): void {
    this.#onInsist = listener
  }
  stop(reason: StopReason): void {
    this.#controller.abort(reason)
  }
  /** Stops once more, sooner or by another signal. */
  insist(graceMs: number, signal?: string): void {
    this.graceMs = graceMs
    this.stopSignal = signal ?? this.stopSignal
    this.#onInsist?.()
  }
  /** Everything printed so far, to one stream or to all. */
  text(stream?: LogStream): string {
    return this.pieces
      .map((piece) => (stream === undefined || piece.stream === stream ? piece.text : ''))
      .join('')
  }
  /** Resolves when the output holds the text. */
  async printed(text: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!this.text().includes(text)) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }
}

let lastJob = 0

/** An attempt of some work, and its control. */
export function attemptOf(
  work: Work,
  more: Partial<Attempt> = {},
): { attempt: Attempt; control: TestControl } {
  const job = ++lastJob
  const attempt: Attempt = {
    job,
    kind: work.kind,
    queue: 'default',
    namespace: 'default',
    attempt: 1,
    attemptSinceRestart: 1,
    isLastAttempt: false,
    token: `1.${process.pid}.${job}`,
    input: work.input,
    metadata: {},
    ...more,
  }
  return { attempt, control: new TestControl() }
}

/** Starts an attempt. `done` is a promise even where the executor answered at once. */
export function start(
  executor: Executor,
  work: Work,
  more: Partial<Attempt> = {},
): { attempt: Attempt; control: TestControl; done: Promise<Outcome> } {
  const { attempt, control } = attemptOf(work, more)
  return { attempt, control, done: Promise.resolve(executor.run(attempt, control)) }
}

/** How long a kill may take on a busy machine, ms. */
const KILL_MS = 5_000

/** Outcomes by stop reason. */
const STOPPED: readonly [StopReason, Outcome['type'], string | undefined][] = [
  ['cancel', 'cancelled', undefined],
  ['timeout', 'failed', 'TIMEOUT'],
  ['lease-lost', 'failed', 'LEASE_LOST'],
  ['drain', 'released', undefined],
]

/** Runs the suite on one executor. */
export function executorSuite(name: string, setup: ExecutorSetup): void {
  describe(`${name} executor`, () => {
    let executor: Executor
    beforeAll(() => {
      executor = setup.create()
    })
    afterAll(() => executor.close())

    endTests(setup, () => executor)
    stopTests(setup, () => executor)
    outputTests(setup, () => executor)
    closeTests(setup)
  })
}

function endTests(setup: ExecutorSetup, executor: () => Executor): void {
  it('succeeds', async () => {
    expect(await start(executor(), setup.succeed).done).toMatchObject({ type: 'succeeded' })
  })

  it('fails, and leaves the retry to the policy', async () => {
    const outcome = await start(executor(), setup.fail).done
    expect(outcome).toMatchObject({ type: 'failed', error: { code: setup.fail.code } })
    expect(outcome).not.toHaveProperty('retry')
  })

  it('answers broken input with a failure that says what was expected, found, and what to do', async () => {
    expect(setup.broken.length).toBeGreaterThan(0)
    for (const work of setup.broken) {
      const outcome = await start(executor(), work).done
      expect(outcome, JSON.stringify(work)).toMatchObject({
        type: 'failed',
        error: { code: expect.any(String), message: expect.stringMatching(/expected .+; found .+\. .+\./s) },
      })
    }
  })

  it('runs many at once, each to its own end', async () => {
    const texts = Array.from({ length: 24 }, (_, index) => `number ${index} of many`)
    const runs = texts.map((text) => start(executor(), setup.print(text)))
    const waiting = start(executor(), setup.wait)
    expect((await Promise.all(runs.map(({ done }) => done))).every(({ type }) => type === 'succeeded')).toBe(
      true,
    )
    expect(runs.map(({ control }) => control.text().trim())).toEqual(texts)
    // the one that waits saw nothing of their ends
    await waiting.control.printed('started')
    waiting.control.stop('cancel')
    expect((await waiting.done).type).toBe('cancelled')
  })
}

function stopTests(setup: ExecutorSetup, executor: () => Executor): void {
  it.each(STOPPED)('heeds the stop reason %s before its grace is over', async (reason, type, code) => {
    const { control, done } = start(executor(), setup.wait)
    await control.printed('started')
    const stoppedAt = performance.now()
    control.stop(reason)
    const outcome = await done
    expect(performance.now() - stoppedAt).toBeLessThan(control.graceMs)
    expect(outcome.type).toBe(type)
    if (code !== undefined) expect(outcome).toMatchObject({ error: { code } })
  })

  it.each(STOPPED)(
    'settles after the grace when the work ignores the stop reason %s',
    async (reason, type) => {
      const { control, done } = start(executor(), setup.ignore)
      await control.printed('started')
      control.graceMs = 100
      const stoppedAt = performance.now()
      control.stop(reason)
      expect((await done).type).toBe(type)
      const tookMs = performance.now() - stoppedAt
      expect(tookMs).toBeGreaterThanOrEqual(99)
      expect(tookMs).toBeLessThan(control.graceMs + KILL_MS)
    },
  )

  it('settles sooner when somebody insists, and only once', async () => {
    const { control, done } = start(executor(), setup.ignore)
    await control.printed('started')
    control.graceMs = 600_000
    control.stop('cancel')
    control.insist(0)
    expect((await done).type).toBe('cancelled')
    control.insist(0)
    expect(await start(executor(), setup.succeed).done).toMatchObject({ type: 'succeeded' })
  })

  it.each(STOPPED)('does not start what was stopped before by %s', async (reason, type) => {
    const { attempt, control } = attemptOf(setup.print('it ran'))
    control.stop(reason)
    expect((await executor().run(attempt, control)).type).toBe(type)
    expect(control.text()).toBe('')
  })

  it('keeps a success although the stop comes right after it', async () => {
    const { control, done } = start(executor(), setup.succeed)
    const outcome = await done
    control.stop('cancel')
    expect(outcome.type).toBe('succeeded')
  })

  it('leaves no listener on the signal', async () => {
    const { control, done } = start(executor(), setup.wait)
    await control.printed('started')
    control.stop('cancel')
    await done
    expect(getEventListeners(control.signal, 'abort')).toEqual([])
  })
}

function outputTests(setup: ExecutorSetup, executor: () => Executor): void {
  it('passes output on unharmed, in every script', async () => {
    // longer than a pipe holds, with characters of one to four bytes at shifting places
    const text = Array.from({ length: 20_000 }, (_, index) => `${'x'.repeat(index % 5)}ä€🙂\u0301漢`).join('')
    const { control, done } = start(executor(), setup.print(text))
    expect((await done).type).toBe('succeeded')
    expect(control.text().trim() === text).toBe(true)
  })

  it.runIf(setup.flood)('bounds huge output without blocking the work', async () => {
    const { flood } = setup
    const { control, done } = start(executor(), flood!.work(30_000_000))
    expect((await done).type).toBe('succeeded')
    const { length } = control.text()
    expect(length).toBeGreaterThan(flood!.most / 2)
    expect(length).toBeLessThan(flood!.most + 1_000)
    expect(control.text('log')).toMatch(/\d+ characters of output were left out/)
  })

  it.runIf(setup.progress)('tells of progress', async () => {
    const { control, done } = start(executor(), setup.progress!)
    expect((await done).type).toBe('succeeded')
    expect(control.moves).toEqual([[0.5, 'half']])
  })
}

function closeTests(setup: ExecutorSetup): void {
  it('close ends what runs, and starts nothing any more', async () => {
    const executor = setup.create()
    const runs = [start(executor, setup.ignore), start(executor, setup.wait)]
    await Promise.all(runs.map(({ control }) => control.printed('started')))
    await executor.close()
    expect(await Promise.all(runs.map(({ done }) => done))).toEqual([
      { type: 'released' },
      { type: 'released' },
    ])
    const late = start(executor, setup.print('it ran'))
    expect(await late.done).toEqual({ type: 'released' })
    expect(late.control.text()).toBe('')
    await executor.close()
  })

  it('close of an executor that never ran anything', async () => {
    await expect(setup.create().close()).resolves.toBeUndefined()
  })
}
