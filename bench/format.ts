/** Numbers as people read them: few digits, one unit. Shared by the table, the chart and the results page. */
import type { Unit } from './row.ts'

/** A figure with three significant digits and thousands separated, without its unit; `-` when there is none. */
export function formatFigure(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US')
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}

/** A figure with its unit. */
export function formatValue(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return '-'
  return unit === 'x' ? `${value.toFixed(2)} x` : `${formatFigure(value)} ${unit}`
}

/** A ratio such as `0.53 x`. */
export const formatRatio = (ratio: number | null): string =>
  ratio === null ? '-' : `${formatFigure(ratio)} x`
