/** Makes rows out of figures: the best peer, the ratios, and whether the bar is met. Pure. */
import { type MeasurementName, measurementOf } from './measurements.ts'
import type { RowDefinition, RowResult } from './row.ts'
import type { Figures } from './scenarios.ts'
import { type SystemName, systemEntry, systems } from './systems.ts'

/** What was measured, by measurement and system. */
export class Measured {
  readonly #figures = new Map<MeasurementName, Map<SystemName, Figures>>()

  set(measurement: MeasurementName, system: SystemName, figures: Figures): void {
    const known = this.#figures.get(measurement) ?? new Map<SystemName, Figures>()
    this.#figures.set(measurement, known.set(system, figures))
  }

  get(measurement: MeasurementName, system: SystemName, figure: string): number | undefined {
    return this.#figures.get(measurement)?.get(system)?.[figure]
  }
}

/** How many times better `value` is than `other`. */
function timesBetter(value: number | null, other: number | null, better: 'higher' | 'lower'): number | null {
  if (value === null || other === null) return null
  const ratio = better === 'higher' ? value / other : other / value
  return Number.isFinite(ratio) ? ratio : null
}

function figuresOf(definition: RowDefinition, measured: Measured): Partial<Record<SystemName, number>> {
  const figures: Partial<Record<SystemName, number>> = {}
  for (const name of measurementOf(definition.measurement).systems) {
    let value = measured.get(definition.measurement, name, definition.figure)
    if (value !== undefined && definition.relativeTo) {
      const base = measured.get(definition.relativeTo, name, definition.figure)
      value = base === undefined ? undefined : value / base
    }
    if (value !== undefined) figures[name] = value
  }
  return figures
}

function bestPeer(
  definition: RowDefinition,
  figures: Partial<Record<SystemName, number>>,
): SystemName | undefined {
  const peers = (Object.keys(figures) as SystemName[]).filter((name) => systemEntry(name).kind === 'peer')
  const sign = definition.better === 'higher' ? -1 : 1
  return peers.sort((a, b) => sign * ((figures[a] ?? 0) - (figures[b] ?? 0)))[0]
}

/** One row of the table. */
export function toRow(definition: RowDefinition, measured: Measured): RowResult {
  const { id, unit, better, bar, subject = 'perdure' } = definition
  const figures = figuresOf(definition, measured)
  const value = figures[subject] ?? null
  const floor = figures.floor ?? null
  const best = bestPeer(definition, figures)
  const peer = best === undefined ? null : (figures[best] ?? null)
  const row: RowResult = {
    id,
    value,
    unit,
    floor,
    floorRatio: timesBetter(value, floor, better),
    peer,
    peerName: best === undefined ? null : systems[best].label,
    peerRatio: timesBetter(value, peer, better),
    better,
    bar: bar?.text ?? null,
    pass: null,
    systems: figures,
  }
  const perdure = (name: MeasurementName, figure: string): number | undefined =>
    measured.get(name, 'perdure', figure)
  if (bar && value !== null) row.pass = bar.met({ row, perdure }) ?? null
  return row
}
