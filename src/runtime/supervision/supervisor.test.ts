import { describe, expect, it } from 'vitest'
import { PerdureError } from '../../errors.ts'
import { TestSurroundings } from '../testdata/test-surroundings.ts'
import { type Service, type SupervisionEvent, Supervisor, type SupervisorOptions } from './supervisor.ts'

/** A service whose runs a test ends by hand. */
class Puppet implements Service {
  readonly name: string
  readonly restart: NonNullable<Service['restart']>
  readonly runs: { readonly signal: AbortSignal; readonly end: PromiseWithResolvers<void> }[] = []
  endsWhenAsked = true

  constructor(name: string, restart: NonNullable<Service['restart']> = 'permanent') {
    this.name = name
    this.restart = restart
  }

  run(signal: AbortSignal): Promise<void> {
    const end = Promise.withResolvers<void>()
    this.runs.push({ signal, end })
    if (this.endsWhenAsked) signal.addEventListener('abort', () => end.resolve())
    return end.promise
  }

  fail(message = 'broken'): void {
    this.runs.at(-1)?.end.reject(new Error(message))
  }
}

function supervise(services: readonly Service[], options: Partial<SupervisorOptions> = {}) {
  const time = new TestSurroundings()
  const events: SupervisionEvent[] = []
  const supervisor = new Supervisor({
    name: 'all',
    services,
    clock: time,
    timers: { after: (ms, act) => ({ cancel: time.after(ms, act) }) },
    random: time.random,
    onEvent: (event) => events.push(event),
    jitter: 0,
    ...options,
  })
  const controller = new AbortController()
  const run = supervisor.run(controller.signal)
  run.catch(() => {})
  return { time, events, supervisor, controller, run }
}

describe('a supervisor', () => {
  it('starts a failed service again after its wait, and tells so', async () => {
    const [a, b] = [new Puppet('a'), new Puppet('b')]
    const { time, events, supervisor, controller, run } = supervise([a, b])
    a.fail('no luck')
    await time.advance(99)
    expect(a.runs).toHaveLength(1)
    expect(supervisor.info[0]).toEqual({ name: 'a', state: 'down', restarts: 0, lastError: 'no luck' })
    await time.advance(1)
    expect(a.runs).toHaveLength(2)
    expect(b.runs).toHaveLength(1)
    expect(supervisor.info[0]).toMatchObject({ state: 'running', restarts: 1, lastError: 'no luck' })
    controller.abort()
    await run
    expect(events.map(({ type, service }) => `${service} ${type}`)).toEqual([
      'a started',
      'b started',
      'a failed',
      'a started',
      'b stopped',
      'a stopped',
    ])
    expect(time.waiting).toBe(0)
  })

  it('fails a run that throws at once like one that rejects', async () => {
    let calls = 0
    const service: Service = {
      name: 'a',
      run: () => {
        if (++calls === 1) throw new Error('at once')
        return new Promise(() => {})
      },
    }
    const { time, events } = supervise([service])
    await time.advance(100)
    expect(calls).toBe(2)
    expect(events[1]).toMatchObject({
      type: 'failed',
      error: expect.objectContaining({ message: 'at once' }),
    })
  })

  it('gives up a service that does not end when it is asked', async () => {
    const [a, b] = [new Puppet('a'), new Puppet('b')]
    b.endsWhenAsked = false
    const { time, events, controller, run } = supervise([a, b])
    controller.abort()
    await time.advance(4_999)
    expect(a.runs[0]?.signal.aborted).toBe(false)
    await time.advance(1)
    await run
    expect(events.slice(2).map(({ type, service }) => `${service} ${type}`)).toEqual([
      'b stuck',
      'b stopped',
      'a stopped',
    ])
    // what it says at last concerns nobody
    b.fail()
    await time.advance(60_000)
    expect(b.runs).toHaveLength(1)
  })

  it('ends when all services have', async () => {
    const [a, b] = [new Puppet('a', 'transient'), new Puppet('b', 'temporary')]
    const { run } = supervise([a, b])
    a.runs[0]?.end.resolve()
    b.fail()
    await run
    expect([a.runs, b.runs].map(({ length }) => length)).toEqual([1, 1])
  })

  it('fails with the cause when services fail too often, and stops the others', async () => {
    const [a, b] = [new Puppet('a'), new Puppet('b')]
    const { time, run } = supervise([a, b], { most: 2 })
    for (let failure = 0; failure < 3; failure++) {
      b.fail(`failure ${failure}`)
      await time.advance(1_000)
    }
    const error = await run.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PerdureError)
    expect(error).toMatchObject({ code: 'SERVICE_FAILED', message: expect.stringContaining('failure 2') })
    expect(a.runs[0]?.signal.aborted).toBe(true)
    expect(time.waiting).toBe(0)
  })
})

it('a tree: what one supervisor cannot mend, the next one does by starting all of it anew', async () => {
  const [a, b] = [new Puppet('a'), new Puppet('b')]
  const time = new TestSurroundings()
  const parts = {
    clock: time,
    timers: { after: (ms: number, act: () => void) => ({ cancel: time.after(ms, act) }) },
    jitter: 0,
  }
  const inner = new Supervisor({
    ...parts,
    name: 'inner',
    services: [a, b],
    strategy: 'rest-for-one',
    most: 1,
  })
  const outer = new Supervisor({ ...parts, name: 'outer', services: [inner], most: 1 })
  const run = outer.run(new AbortController().signal)
  run.catch(() => {})
  a.fail()
  await time.advance(100)
  expect([a.runs, b.runs].map(({ length }) => length)).toEqual([2, 2])
  a.fail()
  await time.advance(100)
  // a new start of the inner one, whose failures are forgotten with it
  expect([a.runs, b.runs].map(({ length }) => length)).toEqual([3, 3])
  expect(outer.info).toMatchObject([{ name: 'inner', restarts: 1 }])
  a.fail()
  await time.advance(100)
  a.fail()
  await time.advance(100)
  await expect(run).rejects.toMatchObject({ code: 'SERVICE_FAILED', data: { supervisor: 'outer' } })
})
