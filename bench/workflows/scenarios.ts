/**
 * What is measured of workflows: one function per scenario, each on a fresh system in a process of its own. Nothing here
 * knows which system it measures.
 */
import { now, percentile, sleep, Tracker } from '../measure.ts'
import type { Figures, Size } from '../scenarios.ts'
import { type Hooks, STEPS, type WorkflowSystem } from './system.ts'

export type WorkflowScenario = (system: WorkflowSystem, size: Size) => Promise<Figures>

const IGNORE = (): void => undefined
const NO_HOOKS: Hooks = { stepped: IGNORE, childRan: IGNORE, waits: IGNORE, resumed: IGNORE }

/** Between a wait that the code is about to begin and a signal, ms: until it surely waits. */
const SETTLE_MS = 25

/** After a store was opened, ms: until its threads and its worker do nothing any more. */
const OPEN_MS = 500

/** Refuses a step that is done twice. */
function countSteps(): { hooks: Hooks; count(): number; check(): void } {
  const seen = new Set<number>()
  let twice: number | undefined
  const stepped = (number: number): void => {
    if (seen.has(number)) twice = number
    seen.add(number)
  }
  const check = (): void => {
    if (twice === undefined) return
    throw new Error(`step ${twice % STEPS} of run ${Math.floor(twice / STEPS)} was done twice`)
  }
  return { hooks: { ...NO_HOOKS, stepped }, count: () => seen.size, check }
}

/**
 * As many runs in flight as suit the system: steps that are begun within a span of time. A step begins when the one before
 * it is durable, so neither the beginning of all this counts nor its end.
 */
async function workflowSteps(system: WorkflowSystem, { seconds, warmMs }: Size): Promise<Figures> {
  const steps = countSteps()
  await system.open(steps.hooks)
  let run = 0
  let isOver = false
  const lane = async (): Promise<void> => {
    while (!isOver) await system.steps(run++)
  }
  const lanes = Promise.all(Array.from({ length: system.inFlight }, lane))
  const measure = async (): Promise<number> => {
    await sleep(warmMs)
    const [begin, before] = [now(), steps.count()]
    await sleep(seconds * 1000)
    return ((steps.count() - before) / (now() - begin)) * 1000
  }
  const perSecond = await Promise.race([measure(), lanes.then(() => Number.NaN)])
  isOver = true
  await lanes
  steps.check()
  if (steps.count() !== run * STEPS) throw new Error(`${steps.count()} steps of ${run} runs were done`)
  return { perSecond }
}

/** One run at a time, from its start until its end is known to who started it. */
async function workflowAlone(system: WorkflowSystem, { jobs, warmMs, warmup }: Size): Promise<Figures> {
  const steps = countSteps()
  await system.open(steps.hooks)
  let run = 0
  const warmUntil = now() + warmMs
  while (run < warmup && now() < warmUntil) await system.steps(run++)
  const samples = new Float64Array(jobs)
  for (let sample = 0; sample < jobs; sample++) {
    await sleep(2 + ((sample * 7) % 5))
    const begin = now()
    await system.steps(run++)
    samples[sample] = now() - begin
  }
  steps.check()
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) }
}

/** From the call that signals a run that waits until its code goes on; one at a time. */
async function workflowSignal(system: WorkflowSystem, { jobs, warmup, warmMs }: Size): Promise<Figures> {
  const waiting = new Tracker(warmup + jobs)
  const resumed = new Tracker(warmup + jobs)
  await system.open({ ...NO_HOOKS, waits: onlyFirst(waiting), resumed: resumed.started })
  let run = 0
  const sample = async (): Promise<number> => {
    const own = run++
    await system.wait(own)
    await waiting.reached(own + 1)
    await sleep(SETTLE_MS)
    const begin = now()
    await system.signal(own)
    await resumed.reached(own + 1)
    return (resumed.startedAt[own] as number) - begin
  }
  const warmUntil = now() + warmMs
  while (run < warmup && now() < warmUntil) await sample()
  const samples = new Float64Array(jobs)
  for (let index = 0; index < jobs; index++) samples[index] = await sample()
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) }
}

/** Code of a run gets to its wait again in a replay. */
function onlyFirst(tracker: Tracker): (run: number) => void {
  return (run) => {
    if (tracker.startedAt[run] === 0) tracker.started(run)
  }
}

/** A run that starts children and waits for all: from its start until its end is known. */
async function workflowFanOut(system: WorkflowSystem, { jobs }: Size): Promise<Figures> {
  const children = new Tracker(jobs)
  await system.open({ ...NO_HOOKS, childRan: children.started })
  const begin = now()
  await system.fanOut(jobs)
  const ms = now() - begin
  if (children.count !== jobs) throw new Error(`${children.count} of ${jobs} children ran`)
  await children.reached(jobs)
  return { ms }
}

/** Many runs that wait: what it costs to start them, to have them, and to wake them. */
async function workflowSuspended(system: WorkflowSystem, { jobs, inFlight }: Size): Promise<Figures> {
  const resumed = new Tracker(jobs)
  await system.open({ ...NO_HOOKS, resumed: resumed.started })
  const { counts } = countable(system)
  const startMs = await timed(() => suspendMany(system, jobs))
  const wakeMs = await timed(async () => {
    await inLanes(inFlight, jobs, (run) => system.signal(run))
    await resumed.reached(jobs)
    while ((await counts()).live > 0) await sleep(5)
  })
  return { startMs, wakeMs, ratio: wakeMs / startMs }
}

/** What runs that wait take of a process that does nothing but have them, and of one in which they have just begun to. */
async function workflowRest(system: WorkflowSystem, { jobs }: Size): Promise<Figures> {
  const { restart } = system
  if (!restart) throw new Error('has no process of its own')
  await system.open(NO_HOOKS)
  const { use } = countable(system)
  await suspendMany(system, jobs)
  await sleep(2000)
  const { megabytes: afterwards } = use()
  await restart.call(system)
  const { suspended } = await countable(system).counts()
  if (suspended !== jobs) throw new Error(`${suspended} of ${jobs} runs wait`)
  await sleep(2000)
  return { megabytes: use().megabytes, afterwards }
}

async function suspendMany(system: WorkflowSystem, runs: number): Promise<void> {
  const { waitMany, counts } = countable(system)
  await inLanes(2, runs / LOAD, (call) => waitMany(call * LOAD, LOAD))
  while ((await counts()).suspended < runs) await sleep(5)
}

/** The parts of a system that can tell of runs that wait. */
function countable(system: WorkflowSystem) {
  const { waitMany, counts, use } = system
  if (!waitMany || !counts || !use) throw new Error('does not count runs that wait')
  return { waitMany: waitMany.bind(system), counts: counts.bind(system), use: use.bind(system) }
}

/** Runs that one call starts. */
const LOAD = 1000

/** Calls `act` with 0 to count - 1, so many at a time. */
async function inLanes(lanes: number, count: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

async function timed(act: () => Promise<void>): Promise<number> {
  const begin = now()
  await act()
  return now() - begin
}

/** A run with a long journal of which nothing is in memory is signalled: until its code goes on behind all of that. */
async function workflowReplay(
  system: WorkflowSystem,
  { jobs: entries, seconds: rounds }: Size,
): Promise<Figures> {
  const { long, reopen } = system
  if (!long || !reopen) throw new Error('does not open again')
  let wasReached = Promise.withResolvers<void>()
  let goesOn = Promise.withResolvers<void>()
  await system.open({
    ...NO_HOOKS,
    waits: () => wasReached.resolve(),
    resumed: () => goesOn.resolve(),
  })
  await long.call(system, entries)
  await wasReached.promise
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    await sleep(SETTLE_MS)
    await reopen.call(system)
    await sleep(OPEN_MS)
    wasReached = Promise.withResolvers<void>()
    goesOn = Promise.withResolvers<void>()
    const begin = now()
    await system.signal(0)
    await goesOn.promise
    samples.push(now() - begin)
  }
  return { ms: percentile(samples, 0.5), worstMs: Math.max(...samples) }
}

/** Every scenario of workflows by its name. */
export const workflowScenarios = {
  workflowSteps,
  workflowAlone,
  workflowSignal,
  workflowFanOut,
  workflowSuspended,
  workflowRest,
  workflowReplay,
} satisfies Record<string, WorkflowScenario>

export type WorkflowScenarioName = keyof typeof workflowScenarios
