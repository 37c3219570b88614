/**
 * Report: what the program says about a failure, and the file that keeps its scenario.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Scenario } from '../scenario.ts'
import { describeSwarm } from '../swarm.ts'
import type { Failure } from './task.ts'

/** Where scenarios of failures are kept; the tests replay all of them. */
export const REGRESSIONS = fileURLToPath(new URL('../regressions/', import.meta.url))

/** A scenario that failed once. */
export interface Regression {
  readonly id: string
  readonly statement: string
  readonly found: string
  /** With this defect in the code it fails again. */
  readonly mutant?: string
  readonly scenario: Scenario
}

/** Reads the file of a regression. */
export function readRegression(file: string): Regression {
  return JSON.parse(readFileSync(file, 'utf8')) as Regression
}

/** Writes the scenario of a failure down; answers the path of its file. */
export function saveRegression(folder: string, failure: Failure, mutant: string | undefined): string {
  const { id, statement, found, scenario } = failure
  const regression: Regression = {
    id,
    statement,
    found,
    ...(mutant === undefined ? {} : { mutant }),
    scenario,
  }
  const name = [id, scenario.swarm.seed, ...(mutant === undefined ? [] : [mutant])].join('-')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.json`)
  writeFileSync(file, `${JSON.stringify(regression, null, 2)}\n`)
  return relative(process.cwd(), file)
}

/** Tells of a failure. */
export function tellFailure({ id, statement, found, kind, stack, scenario, tail }: Failure): string {
  const lines = [describeSwarm(scenario.swarm), ...tail.map((line) => `  ${line}`), '']
  lines.push(`${id}: ${statement}`, `found: ${found}`)
  if (kind === 'crash') lines.push(`crash: ${stack}`)
  return lines.join('\n')
}

/** Tells of a small scenario that fails. */
export function tellShrunk({ scenario, found, atMs }: Failure): string {
  const { swarm, operations, happenings } = scenario
  const names = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.join(' '))
  return [
    `shrunk to ${operations.length} operations and ${happenings.length} happenings; fails after ${atMs.toFixed(0)} virtual ms`,
    `  found: ${found}`,
    `  faults: ${names(swarm.faults)}`,
    `  features: ${names(swarm.features)}`,
    `  happenings: ${names(happenings.map(({ fault, at }) => `${fault}@${at.toFixed(0)}`))}`,
    `  operations: ${names(operations.map(({ number, at }) => `${number}@${at.toFixed(0)}`))}`,
    `  workers ${swarm.workers}, slots ${swarm.slots}, clients ${swarm.clients}, store ${swarm.store}`,
  ].join('\n')
}
