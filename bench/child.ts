/**
 * The process that one scenario runs in. It is given everything as one JSON argument, sends back figures or an error,
 * and ends with its parent.
 */
import { type Figures, type ScenarioName, type Size, scenarios } from './scenarios.ts'
import type { Goal, Place } from './system.ts'
import { type SystemName, systemEntry } from './systems.ts'
import { type WorkflowScenarioName, workflowScenarios } from './workflows/scenarios.ts'

export interface Order {
  system: SystemName
  scenario: ScenarioName | WorkflowScenarioName
  size: Size
  goal: Goal
  place: Place
}

export type Answer = { figures: Figures } | { error: string }

/** A system that cannot be closed in this time is left to the end of the process. */
const CLOSE_MS = 5000

const ofWorkflows = (name: Order['scenario']): name is WorkflowScenarioName => name in workflowScenarios

/** The system, and what is to be measured of it. */
async function prepare({ system: name, scenario, size, place, goal }: Order) {
  const { load, loadWorkflows } = systemEntry(name)
  if (ofWorkflows(scenario)) {
    if (!loadWorkflows) throw new Error('does not run workflows')
    const system = await (await loadWorkflows())(place, goal)
    return { system, measure: () => workflowScenarios[scenario](system, size) }
  }
  if (!load) throw new Error('does not run jobs')
  const system = await (await load())(place, goal)
  return { system, measure: () => scenarios[scenario](system, size) }
}

async function run(order: Order): Promise<Answer> {
  try {
    const { system, measure } = await prepare(order)
    const figures = await measure()
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
