/** Runs one scenario for one system in a process of its own, on fresh data, within a time limit. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Order } from './child.ts'
import { median } from './measure.ts'
import { type MeasurementName, measurementOf } from './measurements.ts'
import type { Figures, Size } from './scenarios.ts'
import { makeDirectory, removeDirectory, trackProcess } from './servers/cleanup.ts'
import type { Servers } from './servers.ts'
import type { Place } from './system.ts'
import { type SystemName, systemEntry } from './systems.ts'

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))
const NO_SIZE: Size = {
  jobs: 0,
  warmup: 0,
  warmMs: 0,
  seconds: 0,
  inFlight: 0,
  perSecond: 0,
  backlog: 0,
  leadMs: 0,
}

export interface RunOptions {
  quick: boolean
  /** Most rounds of a measurement. */
  rounds: number
  servers: Servers
  /** The end-to-end rate of the system in this run, for measurements at half load. */
  ownRate: number | undefined
}

function inChild(order: Order, limitMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const child = fork(CHILD, [JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    trackProcess(child)
    let answer: Answer | undefined
    const timer = setTimeout(() => {
      answer ??= { error: `not done within ${limitMs / 1000} s` }
      child.kill('SIGKILL')
    }, limitMs)
    child.on('message', (message) => {
      answer = message as Answer
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      resolve(answer ?? { error: `its process ended with ${signal ?? code}` })
    })
  })
}

/** One round: the steps one after the other on the same data. */
async function once(
  system: SystemName,
  steps: Order['scenario'][],
  size: Size,
  name: MeasurementName,
  options: RunOptions,
): Promise<Answer> {
  const { goal } = measurementOf(name)
  const directory = makeDirectory()
  let place: Place
  try {
    place = await options.servers.place(systemEntry(system).server, directory)
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
  const limitMs = options.quick ? 90_000 : size.backlog > 1e6 ? 900_000 : 240_000
  let answer: Answer = { error: 'nothing to run' }
  try {
    for (const scenario of steps) {
      answer = await inChild({ system, scenario, size, goal, place }, limitMs)
      if ('error' in answer) break
    }
    return answer
  } finally {
    await options.servers.clear(place)
    removeDirectory(directory)
  }
}

/**
 * Measures one system.
 * @returns the median of each figure over the rounds, or the first error
 */
export async function measureSystem(
  name: MeasurementName,
  system: SystemName,
  options: RunOptions,
): Promise<Answer> {
  const { scenario, rounds, size, atHalfRate } = measurementOf(name)
  const full: Size = { ...NO_SIZE, ...size(systemEntry(system).pace, options.quick) }
  if (atHalfRate) {
    if (options.ownRate === undefined) return { error: 'its end-to-end rate is not known' }
    full.perSecond = options.ownRate / 2
  }
  const steps: Order['scenario'][] = scenario === 'backlogRun' ? ['backlogFill', 'backlogRun'] : [scenario]
  const found: Figures[] = []
  for (let round = 0; round < Math.min(rounds, options.rounds); round++) {
    const answer = await once(system, steps, full, name, options)
    if ('error' in answer) return answer
    found.push(answer.figures)
  }
  const figures: Figures = {}
  for (const figure of Object.keys(found[0] ?? {})) {
    figures[figure] = median(found.map((each) => each[figure] ?? Number.NaN))
  }
  return { figures }
}
