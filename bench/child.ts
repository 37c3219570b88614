/**
 * The process that one scenario runs in. It is given everything as one JSON argument, sends back figures or an error,
 * and ends with its parent.
 */
import { type Figures, type ScenarioName, type Size, scenarios } from './scenarios.ts'
import type { Goal, Place } from './system.ts'
import { type SystemName, systemEntry } from './systems.ts'

export interface Order {
  system: SystemName
  scenario: ScenarioName
  size: Size
  goal: Goal
  place: Place
}

export type Answer = { figures: Figures } | { error: string }

/** A system that cannot be closed in this time is left to the end of the process. */
const CLOSE_MS = 5000

async function run(order: Order): Promise<Answer> {
  try {
    const factory = await systemEntry(order.system).load()
    const system = await factory(order.place, order.goal)
    const figures = await scenarios[order.scenario](system, order.size)
    const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS))
    await Promise.race([system.close().catch(() => undefined), late])
    return { figures }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

process.on('disconnect', () => process.exit(1))
const answer = await run(JSON.parse(process.argv[2] ?? '{}') as Order)
process.send?.(answer, undefined, {}, () => process.exit(0))
