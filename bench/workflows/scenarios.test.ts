import { describe, expect, it } from 'vitest'
import type { Size } from '../scenarios.ts'
import { workflowScenarios } from './scenarios.ts'
import { type Hooks, STEPS, type WorkflowSystem } from './system.ts'

const SIZE: Size = {
  jobs: 5,
  warmup: 2,
  warmMs: 20,
  seconds: 0.1,
  inFlight: 2,
  perSecond: 0,
  backlog: 0,
  leadMs: 0,
}

/** A system that keeps everything in memory, and does what a test wants for a step. */
class Pretended implements WorkflowSystem {
  readonly inFlight = 3
  readonly #step: (hooks: Hooks, number: number) => void
  #hooks: Hooks | undefined

  constructor(step: (hooks: Hooks, number: number) => void = (hooks, number) => hooks.stepped(number)) {
    this.#step = step
  }

  get #told(): Hooks {
    if (!this.#hooks) throw new Error('not open')
    return this.#hooks
  }

  async open(hooks: Hooks): Promise<void> {
    this.#hooks = hooks
  }
  async steps(run: number): Promise<void> {
    for (let step = 0; step < STEPS; step++) this.#step(this.#told, run * STEPS + step)
    await new Promise((resolve) => setImmediate(resolve))
  }
  async wait(run: number): Promise<void> {
    this.#told.waits(run)
  }
  async signal(run: number): Promise<void> {
    // A replay gets to the wait again.
    this.#told.waits(run)
    this.#told.resumed(run)
  }
  async fanOut(children: number): Promise<void> {
    for (let number = 0; number < children; number++) this.#told.childRan(number)
  }
  async long(): Promise<void> {
    this.#told.waits(0)
  }
  async reopen(): Promise<void> {}
  async close(): Promise<void> {}
}

describe('scenarios of workflows', () => {
  it('count steps of many runs in a span of time', async () => {
    const { perSecond } = await workflowScenarios.workflowSteps(new Pretended(), SIZE)
    expect(perSecond).toBeGreaterThan(STEPS)
  })

  it('time runs, signals, fan-outs and replays', async () => {
    for (const scenario of ['workflowAlone', 'workflowSignal', 'workflowFanOut', 'workflowReplay'] as const) {
      const figures = await workflowScenarios[scenario](new Pretended(), { ...SIZE, seconds: 2 })
      const [first] = Object.values(figures)
      expect(first, scenario).toBeGreaterThan(0)
    }
  })

  it('measure runs that wait only where they can be counted', async () => {
    const measured = workflowScenarios.workflowSuspended(new Pretended(), SIZE)
    await expect(measured).rejects.toThrow('does not count')
    await expect(workflowScenarios.workflowRest(new Pretended(), SIZE)).rejects.toThrow('has no process')
  })

  it('refuse a system that does a step twice, or leaves one out', async () => {
    const twice = new Pretended((hooks, number) => {
      hooks.stepped(number)
      if (number === 12) hooks.stepped(number)
    })
    await expect(workflowScenarios.workflowSteps(twice, SIZE)).rejects.toThrow(
      'step 2 of run 1 was done twice',
    )
    const fewer = new Pretended((hooks, number) => {
      if (number !== 12) hooks.stepped(number)
    })
    await expect(workflowScenarios.workflowSteps(fewer, SIZE)).rejects.toThrow('steps of')
  })

  it('refuse a fan-out that ends before its children ran', async () => {
    const early = new Pretended()
    early.fanOut = async () => {}
    await expect(workflowScenarios.workflowFanOut(early, SIZE)).rejects.toThrow('0 of 5 children ran')
  })
})
