/** What a row is: its id, its unit, where its figure comes from, and the bar that Perdure is held to. */
import type { MeasurementName } from './measurements.ts'
import type { SystemName } from './systems.ts'

export type Unit = 'jobs/s' | 'steps/s' | 'ms' | 'MB' | 'x' | '% of a core'

/** One row as measured. Ratios say how many times better Perdure is, for times and rates alike. */
export interface RowResult {
  id: string
  value: number | null
  unit: Unit
  floor: number | null
  floorRatio: number | null
  peer: number | null
  peerName: string | null
  peerRatio: number | null
  better: 'higher' | 'lower'
  bar: string | null
  pass: boolean | null
  /** Every system's figure, the floor and Perdure included. */
  systems: Partial<Record<SystemName, number>>
}

/** What a bar may look at: this row, and Perdure's own figures in others. */
export interface BarInput {
  row: RowResult
  perdure(measurement: MeasurementName, figure: string): number | undefined
}

export interface RowDefinition {
  id: string
  what: string
  unit: Unit
  better: 'higher' | 'lower'
  measurement: MeasurementName
  figure: string
  /** Which Perdure the row is about. Default: the embedded one. */
  subject?: 'node'
  /** Perdure's figure is divided by its own figure in this measurement. */
  relativeTo?: MeasurementName
  bar?: { text: string; met(input: BarInput): boolean | undefined }
}

/** Undefined where it is not known. */
export const atLeast = (value: number | null | undefined, bound: number): boolean | undefined =>
  value === null || value === undefined ? undefined : value >= bound

/** Undefined where one is not known. */
export const under = (
  value: number | null | undefined,
  bound: number | null | undefined,
): boolean | undefined => (typeof value === 'number' && typeof bound === 'number' ? value < bound : undefined)

/** True when all are true, false when one is false, undefined when one is unknown. */
export function all(...parts: (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(false)) return false
  return parts.includes(undefined) ? undefined : true
}
