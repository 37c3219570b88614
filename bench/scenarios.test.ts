import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFloor } from './floor/floor.ts'
import { type Size, scenarios } from './scenarios.ts'
import type { System } from './system.ts'

const SIZE: Size = {
  jobs: 6000,
  warmup: 500,
  warmMs: 60_000,
  seconds: 0.2,
  inFlight: 8,
  perSecond: 2000,
  backlog: 0,
  leadMs: 0,
}

describe('the floor', () => {
  let directory: string
  let floor: System

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'floor-'))
    floor = makeFloor({ directory })
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const states = (): unknown => {
    const database = new Database(join(directory, 'floor.db'), { readonly: true })
    const rows = database.prepare('SELECT state, count(*) AS count FROM job GROUP BY state').all()
    database.close()
    return rows
  }

  it('has written every job as succeeded when it says that it is finished', async () => {
    const figures = await scenarios.endToEnd(floor, SIZE)
    await floor.close()
    expect(figures.perSecond).toBeGreaterThan(0)
    expect(states()).toEqual([{ state: 5, count: SIZE.jobs + SIZE.warmup }])
  })

  it('runs what was stored before its worker started', async () => {
    const figures = await scenarios.enqueueThenProcess(floor, SIZE)
    await floor.close()
    expect(figures.processPerSecond).toBeGreaterThan(0)
    expect(states()).toEqual([{ state: 5, count: SIZE.jobs + SIZE.warmup }])
  })

  it('stores the input that each job carries', async () => {
    await floor.open()
    await floor.enqueueMany(40, 3)
    await Promise.all([floor.enqueueOne(7), floor.enqueueOne(8)])
    await floor.close()
    const database = new Database(join(directory, 'floor.db'), { readonly: true })
    const inputs = database.prepare('SELECT CAST(input AS TEXT) FROM job ORDER BY id').pluck().all()
    database.close()
    expect(inputs).toEqual([40, 41, 42, 7, 8].map((number) => JSON.stringify({ number })))
  })

  it('can be measured for single enqueues and latency', async () => {
    const { p50, p99 } = await scenarios.latencyUnderLoad(floor, SIZE)
    await floor.close()
    expect(p50).toBeGreaterThan(0)
    expect(p99).toBeGreaterThanOrEqual(p50 as number)
  })
})

/** A system that keeps jobs in memory and does to them what a test wants. */
class Pretended implements System {
  readonly chunk = 10
  readonly lanes = 1
  start: (number: number) => void = () => undefined
  readonly enqueued: (numbers: number[], at: number | undefined, start: (number: number) => void) => void

  constructor(enqueued: Pretended['enqueued']) {
    this.enqueued = enqueued
  }

  async open(): Promise<void> {}
  async close(): Promise<void> {}
  async work(onStart: (number: number) => void): Promise<void> {
    this.start = onStart
  }
  async enqueueMany(first: number, count: number, at?: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => first + index)
    this.enqueued(numbers, at, this.start)
  }
  async enqueueOne(number: number): Promise<void> {
    this.enqueued([number], undefined, this.start)
  }
  async graph(children: number): Promise<void> {
    this.enqueued(
      Array.from({ length: children + 1 }, (_, number) => number),
      undefined,
      this.start,
    )
  }
  async finished(): Promise<boolean> {
    return true
  }
}

describe('the backlog', () => {
  it('stays as long as it was while jobs run', async () => {
    const lengths: number[] = []
    const waiting = Array.from({ length: 100 }, (_, number) => number)
    const system = new Pretended((numbers, _at, start) => {
      waiting.push(...numbers)
      lengths.push(waiting.length)
      setImmediate(() => waiting.splice(0, 10).forEach(start))
    })
    const figures = await scenarios.backlogRun(system, { ...SIZE, backlog: 100, jobs: 200 })
    expect(figures.perSecond).toBeGreaterThan(0)
    expect(lengths).toHaveLength(20)
    expect(new Set(lengths)).toEqual(new Set([110]))
  })
})

describe('scenarios refuse a system that', () => {
  const size = { ...SIZE, jobs: 20, warmup: 0, leadMs: 400 }

  it('runs a job twice', async () => {
    const system = new Pretended((numbers, _at, start) => [...numbers, ...numbers].forEach(start))
    await expect(scenarios.endToEnd(system, size)).rejects.toThrow('started twice')
  })

  it('runs a job before it is due', async () => {
    const system = new Pretended((numbers, _at, start) => numbers.forEach(start))
    await expect(scenarios.dueAtOnce(system, size)).rejects.toThrow('before it was due')
  })

  it('runs a join before its children', async () => {
    const system = new Pretended((numbers, _at, start) => {
      start(numbers.at(-1) as number)
      const until = performance.now() + 2
      while (performance.now() < until);
      numbers.slice(0, -1).forEach(start)
    })
    await expect(scenarios.graph(system, size)).rejects.toThrow('the join started before child 0')
  })

  it('takes longer to enqueue than the lead that it was given', async () => {
    const system = new Pretended(() => {
      const until = Date.now() + 200
      while (Date.now() < until);
    })
    await expect(scenarios.dueAtOnce(system, { ...size, leadMs: 300 })).rejects.toThrow('too short')
  })
})
