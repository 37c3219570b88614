/**
 * What is measured: one function per scenario, each on a freshly opened system in a process of its own. A scenario
 * returns named figures; rows.ts says which row each becomes. Nothing here knows which system it measures.
 */
import { now, percentile, residentMegabytes, sleep, Tracker } from './measure.ts'
import type { System } from './system.ts'

/** How much a scenario does. Each is explained where it is used. */
export interface Size {
  jobs: number
  /** The most jobs that warm a system up. */
  warmup: number
  /** The time after which it is warm. */
  warmMs: number
  seconds: number
  inFlight: number
  perSecond: number
  backlog: number
  leadMs: number
}

/** Figures by name; rates in jobs/s, times in ms, memory in MB, cpu in percent of one core. */
export type Figures = Record<string, number>
export type Scenario = (system: System, size: Size) => Promise<Figures>

/** Enqueues `count` jobs from `first` on, in the chunks and with the calls in flight that suit the system. */
async function feed(system: System, first: number, count: number, at?: number): Promise<void> {
  const end = first + count
  let next = first
  const lane = async (): Promise<void> => {
    while (next < end) {
      const start = next
      next = Math.min(end, start + system.chunk)
      await system.enqueueMany(start, next - start, at)
    }
  }
  await Promise.all(Array.from({ length: system.lanes }, lane))
}

async function settled(system: System): Promise<void> {
  while (!(await system.finished())) await sleep(1)
}

/**
 * Runs jobs for `warmMs` before anything counts: a long-lived process, which is what is measured, has its code compiled
 * and its files laid out. The same time for every system. Answers how many jobs it took.
 *
 * @param step runs so many jobs, from a number on.
 */
async function warmUp(
  { warmup, warmMs }: Size,
  most: number,
  step: (first: number, count: number) => Promise<void>,
): Promise<number> {
  const end = now() + warmMs
  let number = 0
  while (number < warmup && now() < end) {
    const count = Math.min(most, warmup - number)
    await step(number, count)
    number += count
  }
  return number
}

/** {@link warmUp} with as many jobs at once as the system takes at once. */
async function warmUpInBulk(system: System, tracker: Tracker, size: Size): Promise<number> {
  const count = await warmUp(size, system.chunk * system.lanes, async (first, some) => {
    await feed(system, first, some)
    await tracker.reached(first + some)
  })
  await settled(system)
  return count
}

const rate = (count: number, ms: number): number => (count / ms) * 1000

/** Jobs are enqueued while a worker runs them; the clock stops when the last is durably finished. */
async function endToEnd(system: System, size: Size): Promise<Figures> {
  const { jobs } = size
  await system.open()
  const tracker = new Tracker(size.warmup + jobs)
  await system.work(tracker.started)
  const first = await warmUpInBulk(system, tracker, size)
  const begin = now()
  await feed(system, first, jobs)
  await tracker.reached(first + jobs)
  await settled(system)
  const perSecond = rate(jobs, now() - begin)
  return { perSecond, peakMegabytes: residentMegabytes().peak }
}

/** Bulk enqueue with no worker, then a worker that starts on the full queue. */
async function enqueueThenProcess(system: System, { jobs, warmup }: Size): Promise<Figures> {
  await system.open()
  await feed(system, 0, warmup)
  const enqueueBegin = now()
  await feed(system, warmup, jobs)
  const enqueuePerSecond = rate(jobs, now() - enqueueBegin)
  const total = warmup + jobs
  const tracker = new Tracker(total)
  const processBegin = now()
  await system.work(tracker.started)
  await tracker.reached(total)
  await settled(system)
  return { enqueuePerSecond, processPerSecond: rate(total, now() - processBegin) }
}

/** `inFlight` callers, each awaiting its own single enqueue before the next. */
async function enqueueSingle(system: System, { inFlight, seconds, warmMs }: Size): Promise<Figures> {
  await system.open()
  let next = 0
  const run = async (forMs: number): Promise<number> => {
    const first = next
    const begin = now()
    const caller = async (): Promise<void> => {
      while (now() - begin < forMs) await system.enqueueOne(next++)
    }
    await Promise.all(Array.from({ length: inFlight }, caller))
    return rate(next - first, now() - begin)
  }
  await run(warmMs)
  return { perSecond: await run(seconds * 1000) }
}

/** One job at a time on an idle system, with pauses of 2 to 6 ms so that nothing is still warm from the last. */
async function latencyIdle(system: System, size: Size): Promise<Figures> {
  const { jobs } = size
  await system.open()
  const tracker = new Tracker(size.warmup + jobs)
  const samples = new Float64Array(jobs)
  const run = async (number: number): Promise<number> => {
    const begin = now()
    await system.enqueueOne(number)
    await tracker.reached(number + 1)
    return (tracker.startedAt[number] as number) - begin
  }
  await system.work(tracker.started)
  const first = await warmUp(size, 1, async (number) => void (await run(number)))
  for (let sample = 0; sample < jobs; sample++) {
    await sleep(2 + ((sample * 7) % 5))
    samples[sample] = await run(first + sample)
  }
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) }
}

/**
 * Jobs arrive at `perSecond` whatever the system does. Latency counts from the instant a job was meant to arrive, so a
 * stall also costs the jobs that it kept from being enqueued.
 */
async function latencyUnderLoad(system: System, size: Size): Promise<Figures> {
  const { perSecond, seconds, warmup } = size
  await system.open()
  // The first second of the arrivals does not count: what it takes to get from full speed to half of it.
  const rampUp = Math.ceil(perSecond)
  const total = rampUp + Math.ceil(perSecond * seconds)
  const tracker = new Tracker(warmup + total)
  await system.work(tracker.started)
  const first = await warmUpInBulk(system, tracker, size)
  const begin = now()
  const calls: Promise<void>[] = []
  let sent = 0
  while (sent < total) {
    const due = Math.min(total, Math.floor(((now() - begin) / 1000) * perSecond))
    if (due > sent) {
      calls.push(system.enqueueMany(first + sent, due - sent))
      sent = due
    }
    await sleep(1)
  }
  await Promise.all(calls)
  await tracker.reached(first + total)
  const samples = new Float64Array(total - rampUp)
  for (let number = rampUp; number < total; number++) {
    const meantAt = begin + (number / perSecond) * 1000
    samples[number - rampUp] = Math.max(0, (tracker.startedAt[first + number] as number) - meantAt)
  }
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99), perSecond }
}

/** All jobs become due at one instant; counts from that instant to the start of the last. */
async function dueAtOnce(system: System, size: Size): Promise<Figures> {
  const { jobs, leadMs } = size
  await system.open()
  const tracker = new Tracker(size.warmup + jobs)
  await system.work(tracker.started)
  const warm = await warmUpInBulk(system, tracker, size)
  const at = Date.now() + leadMs
  const atClock = now() + (at - Date.now())
  await feed(system, warm, jobs, at)
  const spareMs = at - Date.now()
  if (spareMs < 250)
    throw new Error(`enqueueing took ${leadMs - spareMs} ms, so the lead of ${leadMs} ms was too short`)
  await tracker.reached(warm + jobs)
  let first = Number.POSITIVE_INFINITY
  let last = 0
  for (const startedAt of tracker.startedAt.subarray(warm, warm + jobs)) {
    first = Math.min(first, startedAt)
    last = Math.max(last, startedAt)
  }
  if (first < atClock - 5)
    throw new Error(`a job started ${(atClock - first).toFixed(1)} ms before it was due`)
  return { lastMs: last - atClock }
}

/** Children and a join, from the submission to the start of the join. */
async function graph(system: System, { jobs }: Size): Promise<Figures> {
  if (!system.graph) throw new Error('does not support graphs')
  await system.open()
  const tracker = new Tracker(jobs + 1)
  await system.work(tracker.started)
  await sleep(200)
  const begin = now()
  await system.graph(jobs)
  await tracker.reached(jobs + 1)
  const joinAt = tracker.startedAt[jobs] as number
  for (let number = 0; number < jobs; number++) {
    if ((tracker.startedAt[number] as number) > joinAt)
      throw new Error(`the join started before child ${number}`)
  }
  return { ms: joinAt - begin }
}

/** Fills a store that `backlogRun` then opens in a fresh process. */
async function backlogFill(system: System, { backlog }: Size): Promise<Figures> {
  await system.open()
  const begin = now()
  await feed(system, 0, backlog)
  return { perSecond: rate(backlog, now() - begin) }
}

/** Opens a store with a backlog and runs `jobs` of it while as many are enqueued, so that the backlog stays. */
async function backlogRun(system: System, { backlog, jobs }: Size): Promise<Figures> {
  const openBegin = now()
  await system.open()
  const openMs = now() - openBegin
  const total = backlog + jobs
  const tracker = new Tracker(total)
  let enqueued = backlog
  const begin = now()
  await system.work(tracker.started)
  while (enqueued < total) {
    // One chunk for each chunk that has started, so that the backlog stays what it is.
    await tracker.reached(enqueued - backlog)
    const count = Math.min(system.chunk, total - enqueued)
    await system.enqueueMany(enqueued, count)
    enqueued += count
  }
  await tracker.reached(jobs)
  return { perSecond: rate(tracker.count, now() - begin), openMs, megabytes: residentMegabytes().current }
}

/** CPU of the whole process, its threads included, while it waits for work. */
async function idle(system: System, { seconds }: Size): Promise<Figures> {
  await system.open()
  const tracker = new Tracker(1000)
  await system.work(tracker.started)
  await feed(system, 0, 1000)
  await tracker.reached(1000)
  await sleep(1000)
  const cpu = process.cpuUsage()
  const begin = now()
  await sleep(seconds * 1000)
  const used = process.cpuUsage(cpu)
  return { percent: ((used.user + used.system) / 1000 / (now() - begin)) * 100 }
}

/** Processor time and memory of the process that serves workers which wait for work. */
async function idleCrowd(system: System, { jobs: workers, seconds }: Size): Promise<Figures> {
  if (!system.crowd) throw new Error('does not serve workers of other processes')
  await system.open()
  const look = await system.crowd(workers)
  await sleep(1000)
  const before = look()
  const begin = now()
  await sleep(seconds * 1000)
  const { cpuMs, megabytes } = look()
  return { percent: ((cpuMs - before.cpuMs) / (now() - begin)) * 100, megabytes }
}

/** Every scenario by the name that runs and rows use. */
export const scenarios = {
  endToEnd,
  enqueueThenProcess,
  enqueueSingle,
  latencyIdle,
  latencyUnderLoad,
  dueAtOnce,
  graph,
  backlogFill,
  backlogRun,
  idle,
  idleCrowd,
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios
