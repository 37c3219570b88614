/** Steps that fail, hang, are tried again much later, or have the name of another. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Flow, fatal, retryAfter, type StepContext, type StepOptions, workflow } from '../index.ts'
import { openTest, type TestApp } from '../testing/index.ts'

let app: TestApp
afterEach(() => app.close())

async function begin<Result>(code: (flow: Flow) => Result) {
  const flow = workflow('flow', { run: code })
  app = await openTest([flow])
  return app.enqueue(flow)
}

/** A step that fails so often before it gives its result, and what its tries saw. */
function failing(times: number, options: StepOptions<string>, thrown: (attempt: number) => unknown) {
  const seen: (Pick<StepContext, 'attempt' | 'key' | 'dispatch'> & { readonly at: number })[] = []
  const code = (flow: Flow) =>
    flow.step(
      'pay',
      ({ attempt, key, dispatch }) => {
        seen.push({ attempt, key, dispatch, at: app.now() })
        if (seen.length <= times) throw thrown(attempt)
        return 'paid'
      },
      options,
    )
  return { seen, code }
}
const failure = (attempt: number) => new Error(`try ${attempt}`)

describe('a step that is tried again much later', () => {
  const retry = { attempts: 3, min: '1h', max: '1h' }

  it('takes no worker meanwhile, and has a dispatch of its own for each try', async () => {
    const { seen, code } = failing(2, { retry }, failure)
    const run = await begin(code)
    await app.settle()
    expect(seen).toHaveLength(1)
    expect(await app.get(run.id)).toMatchObject({ state: 'suspended', worker: null })
    expect(await run.result()).toBe('paid')
    expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(new Set(seen.map(({ key }) => key)).size).toBe(1)
    expect(new Set(seen.map(({ dispatch }) => dispatch)).size).toBe(3)
    const [first, second] = seen.map(({ at }) => at) as [number, number]
    expect(Math.abs(second - first - 3_600_000)).toBeLessThan(0.21 * 3_600_000)
    expect(await app.client.check()).toEqual([])
  })

  it('fails with the failure of its last try, and a restart gives it all of its tries again', async () => {
    const { seen, code } = failing(4, { retry }, failure)
    const run = await begin(code)
    await expect(run.result()).rejects.toThrow('try 3')
    expect(seen).toHaveLength(3)
    await run.restart()
    expect(await run.result()).toBe('paid')
    expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2])
    expect(await app.client.check()).toEqual([])
  })

  it('is tried again by code that was read anew, where it stood', async () => {
    const { seen, code } = failing(2, { retry }, failure)
    const tries: number[] = []
    const run = await begin(async (flow) => {
      tries.push(seen.length)
      const [paid] = await flow.all([code(flow), flow.sleep('90m')])
      return paid
    })
    await app.settle()
    await app.client.control(run.id, { verb: 'hold' })
    await app.client.control(run.id, { verb: 'release' })
    expect(await run.result()).toBe('paid')
    expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  })

  it('is not tried again where that cannot help', async () => {
    const { seen, code } = failing(9, { retry }, (attempt) => fatal(failure(attempt)))
    await expect((await begin(code)).result()).rejects.toThrow('try 1')
    expect(seen).toHaveLength(1)
  })

  it('is tried again when its failure says, and not when the policy would', async () => {
    const { seen, code } = failing(1, { retry }, (attempt) => retryAfter(failure(attempt), '3m'))
    expect(await (await begin(code)).result()).toBe('paid')
    const [first, second] = seen.map(({ at }) => at) as [number, number]
    expect(second - first).toBe(180_000)
  })

  it('loses a race as any other, and is tried no more', async () => {
    const { seen, code } = failing(9, { retry }, failure)
    const run = await begin(async (flow) => {
      await flow.race([code(flow), flow.sleep('30m')])
      await flow.sleep('1d')
      return 'without it'
    })
    expect(await run.result()).toBe('without it')
    expect(seen).toHaveLength(1)
    expect(await app.client.check()).toEqual([])
  })
})

describe('a time limit', () => {
  it('of all tries ends the step before a try that would come too late', async () => {
    const { seen, code } = failing(
      9,
      { retry: { attempts: 9, min: '10m', max: '10m' }, timeout: { total: '25m' } },
      failure,
    )
    const run = await begin(code)
    await expect(run.result()).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/step 'pay' to end within 25m, all its tries.*try/),
    })
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.length).toBeLessThan(4)
  })

  it('of one try asks it to stop, and another is made', async () => {
    const reasons: unknown[] = []
    const run = await begin((flow) =>
      flow.step(
        'hang',
        ({ attempt, signal }) => {
          if (attempt === 2) return 'done'
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason)
              reject(signal.reason)
            })
          })
        },
        { timeout: { attempt: '5s' } },
      ),
    )
    expect(await run.result()).toBe('done')
    expect(reasons).toEqual(['timeout'])
  })

  it('of silence is put off by every heartbeat', async () => {
    const run = await begin((flow) =>
      flow.step(
        'beat',
        async ({ attempt, heartbeat, signal }) => {
          for (let beats = 0; beats < 3 || attempt === 1; beats++) {
            if (attempt === 2 || beats < 3) heartbeat()
            if (signal.aborted) return new Promise(() => {})
            await app.advance('4s')
          }
          return attempt
        },
        { timeout: { heartbeat: '5s' } },
      ),
    )
    expect(await run.result()).toBe(2)
  })
})

it('steps of one name are told apart by numbers', async () => {
  const run = await begin(async (flow) => {
    for (let at = 0; at < 3; at++) await flow.step('poll', () => at)
  })
  await run.result()
  const { rows } = await app.client.workflows.journal(run.id)
  expect(rows.map(({ name }) => name)).toEqual(['poll', 'poll #2', 'poll #3'])
})
