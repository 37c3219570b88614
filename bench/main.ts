/** The bench as a program: reads options, runs the measurements that the rows need, prints the table, writes files. */
import { installPeers } from './install.ts'
import { describeMachine, machineLine } from './machine.ts'
import { type MeasurementName, measurementOf, participants } from './measurements.ts'
import { buildNode } from './node-process.ts'
import { type BenchOptions, HELP, readOptions } from './options.ts'
import { writeJson, writeResults } from './report.ts'
import { Measured, toRow } from './results.ts'
import type { RowDefinition } from './row.ts'
import { rows } from './rows.ts'
import { measureSystem } from './run.ts'
import { cleanUpAtExit } from './servers/cleanup.ts'
import { Servers } from './servers.ts'
import { type SystemName, systemEntry, systems } from './systems.ts'
import { textTable } from './table.ts'

/** After this long --quick measures no more peers, so that it ends soon on a slow machine too. */
const QUICK_PEERS_MS = 120_000

const say = (line: string): boolean => process.stderr.write(`bench: ${line}\n`)

function wantedRows({ only, quick }: BenchOptions): RowDefinition[] {
  if (only.length > 0) return rows.filter((row) => only.includes(row.id))
  return rows.filter((row) => !(quick && measurementOf(row.measurement).fullOnly))
}

/** Why Perdure cannot be measured, or undefined when it can: then the floor and the peers still are. */
async function perdureProblem(): Promise<string | undefined> {
  try {
    await (await import('./perdure.ts')).tryPerdure()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The measurements that the rows need, each after those it builds on. */
function neededMeasurements(wanted: RowDefinition[]): MeasurementName[] {
  const needed = new Set<MeasurementName>()
  const need = (name: MeasurementName): void => {
    if (measurementOf(name).atHalfRate) needed.add('endToEnd')
    needed.add(name)
  }
  for (const row of wanted) {
    if (row.relativeTo) need(row.relativeTo)
    need(row.measurement)
  }
  return [...needed]
}

class Run {
  readonly measured = new Measured()
  readonly problems: string[] = []
  readonly servers = new Servers()
  readonly #options: BenchOptions
  readonly #begin = Date.now()
  readonly #withoutPerdure: boolean

  constructor(options: BenchOptions, withoutPerdure: boolean) {
    this.#options = options
    this.#withoutPerdure = withoutPerdure
  }

  async measure(name: MeasurementName): Promise<void> {
    for (const system of participants(name, this.#options.quick, this.#options.peers)) {
      if (system === 'perdure' && this.#withoutPerdure) continue
      if (this.#outOfTime(system)) {
        this.problem(`${name}: ${systems[system].label} left out, the time of --quick is used up`)
        continue
      }
      await this.#measureOne(name, system)
    }
  }

  problem(line: string): void {
    this.problems.push(line)
    say(line)
  }

  #outOfTime(system: SystemName): boolean {
    const isPeer = systemEntry(system).kind === 'peer'
    return this.#options.quick && isPeer && Date.now() - this.#begin > QUICK_PEERS_MS
  }

  async #measureOne(name: MeasurementName, system: SystemName): Promise<void> {
    const { label } = systems[system]
    const ownRate = this.measured.get('endToEnd', system, 'perSecond')
    const answer = await measureSystem(name, system, {
      quick: this.#options.quick,
      rounds: this.#options.rounds,
      servers: this.servers,
      ownRate,
    })
    if ('error' in answer) {
      this.problem(`${name}: ${label}: ${answer.error}`)
      return
    }
    this.measured.set(name, system, answer.figures)
    const figures = Object.entries(answer.figures).map(([figure, value]) => `${figure} ${value.toFixed(2)}`)
    const seconds = ((Date.now() - this.#begin) / 1000).toFixed(0)
    say(`${seconds.padStart(4)} s  ${name}: ${label}: ${figures.join(', ')}`)
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (!options) {
    process.stdout.write(HELP)
    return
  }
  cleanUpAtExit()
  if (options.peers) installPeers()
  const machine = describeMachine()
  say(machineLine(machine))
  const absent = await perdureProblem()
  const run = new Run(options, absent !== undefined)
  if (absent !== undefined) run.problem(`Perdure itself is not measured, it does not open: ${absent}`)
  const wanted = wantedRows(options)
  if (wanted.some(({ subject }) => subject === 'node')) buildNode()
  for (const name of neededMeasurements(wanted)) await run.measure(name)
  await run.servers.stop()
  const results = wanted.map((row) => toRow(row, run.measured))
  process.stdout.write(textTable(results))
  if (options.json) writeJson(options.json, results)
  if ((options.quick && !options.write) || options.only.length > 0 || !options.peers) return
  for (const path of writeResults(results, machine, run.problems, options)) say(`wrote ${path}`)
}

try {
  await main()
  process.exit(0)
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
