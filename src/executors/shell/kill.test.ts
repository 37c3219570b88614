/** Shows that nothing of a command is left when its attempt is over, wherever it went. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { start } from '../executor.suite.ts'
import { findProcesses, hasProcessTable, variableOf } from './processes.ts'
import { createShellExecutor, type ShellExecutor } from './shell.ts'
import { standing } from './testdata/standing.ts'

let executor: ShellExecutor
beforeAll(() => {
  executor = createShellExecutor()
})
afterAll(() => executor.close())

const script = (text: string) => start(executor, { kind: 'shell', input: { script: text } })
/** The processes of an attempt. */
const processesOf = (token: string): Promise<number[]> =>
  findProcesses((environ) => variableOf(environ, 'PERDURE_TOKEN') === token)
/** The processes of an attempt, once these sleeps run among them. */
const standingOf = (token: string, ...sleeps: number[]): Promise<number[]> =>
  standing(() => processesOf(token), sleeps)

/** A shell, a child of it, a grandchild, a child that ignores SIGTERM, and a daemon in a session of its own. */
const TREE = `
sleep 301 &
sh -c 'sleep 302 & wait' &
sh -c 'trap "" TERM; while :; do sleep 0.05; done' &
setsid sh -c 'trap "" TERM; (sleep 303 >/dev/null 2>&1 &) ; while :; do sleep 0.05; done' >/dev/null 2>&1 </dev/null &
echo started
wait
`

const SLEEPS = [301, 302, 303]

describe.runIf(hasProcessTable)('a stop', () => {
  it.each(['cancel', 'timeout', 'drain', 'lease-lost'] as const)(
    'by %s ends the whole tree, daemons included',
    async (reason) => {
      const { attempt, control, done } = script(TREE)
      control.graceMs = 200
      await control.printed('started')
      expect((await standingOf(attempt.token, ...SLEEPS)).length).toBeGreaterThanOrEqual(7)
      control.stop(reason)
      await done
      expect(await processesOf(attempt.token)).toEqual([])
    },
  )

  it('of many at once ends them all', async () => {
    const runs = Array.from({ length: 8 }, () => script(TREE))
    for (const { attempt } of runs) await standingOf(attempt.token, ...SLEEPS)
    for (const { control } of runs) {
      control.graceMs = 50
      control.stop('cancel')
    }
    await Promise.all(runs.map(({ done }) => done))
    for (const { attempt } of runs) expect(await processesOf(attempt.token)).toEqual([])
  })

  it('lets a command that heeds SIGTERM clean up, and its children as well', async () => {
    const { attempt, control, done } = script(`
      trap 'echo cleaned; exit 0' TERM
      sh -c 'trap "while kill -0 $PPID; do sleep 0.02; done; echo child cleaned; exit" TERM
        echo started; while :; do sleep 0.02; done' 2>/dev/null &
      wait
    `)
    await control.printed('started')
    control.stop('cancel')
    expect(await done).toMatchObject({ type: 'cancelled', reason: expect.stringContaining('exit code 0') })
    expect(control.text('stdout')).toBe('started\ncleaned\nchild cleaned\n')
    expect(await processesOf(attempt.token)).toEqual([])
  })

  it('ends a daemon although the command itself heeded SIGTERM', async () => {
    const { attempt, control, done } = script('setsid sleep 304 >/dev/null 2>&1 & exec sleep 305')
    await standingOf(attempt.token, 304, 305)
    control.stop('cancel')
    await done
    expect(await processesOf(attempt.token)).toEqual([])
  })

  it('sends the signal that was asked for, by name or number', async () => {
    for (const name of ['INT', 'SIGINT', '2']) {
      const { control, done } = script(
        'trap "echo got INT; exit 1" INT; echo started; while :; do sleep 0.02; done',
      )
      control.stopSignal = name
      await control.printed('started')
      control.stop('cancel')
      await done
      expect(control.text('stdout')).toBe('started\ngot INT\n')
    }
  })

  it('is followed by another signal when somebody insists, and not by the same one twice', async () => {
    const { control, done } = script(
      'trap "echo got TERM" TERM; trap "echo got INT; exit" INT; echo started; while :; do sleep 0.02; done',
    )
    await control.printed('started')
    control.stop('cancel')
    await control.printed('got TERM')
    control.insist(9_000)
    control.insist(9_000, 'SIGINT')
    expect((await done).type).toBe('cancelled')
    expect(control.text('stdout')).toBe('started\ngot TERM\ngot INT\n')
  })

  it('wakes a stopped process, so that it can heed', async () => {
    const { control, done } = script('trap "echo heeded; exit" TERM; echo started; kill -STOP $$; sleep 300')
    await control.printed('started')
    control.stop('cancel')
    await done
    expect(control.text()).toContain('heeded')
  })

  it('tells of a timeout with the result', async () => {
    const { control, done } = script('trap "" TERM; echo started; while :; do sleep 0.02; done')
    control.graceMs = 50
    await control.printed('started')
    control.stop('timeout')
    expect(await done).toMatchObject({
      error: { code: 'TIMEOUT' },
      result: { exitCode: null, signal: 'SIGKILL' },
    })
  })
})

describe.runIf(hasProcessTable)('the end of a command', () => {
  it('ends what it left in its group, and does not wait for it', async () => {
    const { attempt, control, done } = script('sleep 306 & echo printed; exit 0')
    expect((await done).type).toBe('succeeded')
    expect(control.text()).toBe('printed\n')
    expect(await processesOf(attempt.token)).toEqual([])
  })

  it('does not wait for a daemon that holds its output, and gives that output to nobody else', async () => {
    const { attempt, done } = script(`
      file=$(mktemp)
      setsid sh -c "rm $file; sleep 0.6; echo late; sleep 300" &
      while [ -e $file ]; do sleep 0.02; done
    `)
    expect((await done).type).toBe('succeeded')
    expect(await processesOf(attempt.token)).not.toEqual([])
    const others = Array.from({ length: 20 }, () => script('sleep 0.8'))
    await Promise.all(others.map((other) => other.done))
    expect(others.map(({ control }) => control.text()).join('')).toBe('')
    for (const pid of await processesOf(attempt.token)) process.kill(pid, 'SIGKILL')
  })
})
