/**
 * Values of Quint: read from traces (Informal Trace Format, JSON), written as expressions.
 *
 * Integers are numbers, maps and sets are those of JavaScript, tuples and lists are arrays, records are objects, and
 * a variant is a {@link Variant}. The unit value is an empty array.
 */

/** A value of a sum type. */
export interface Variant<Tag extends string = string, Value = unknown> {
  readonly tag: Tag
  readonly value: Value
}

/** What a variant without content carries. */
export const UNIT: readonly never[] = []

/** Reads a value of a trace. */
export function fromItf(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(fromItf)
  if (typeof json !== 'object' || json === null) return json
  const object = json as Readonly<Record<string, unknown>>
  if ('#bigint' in object) return Number(object['#bigint'])
  if ('#tup' in object) return (object['#tup'] as unknown[]).map(fromItf)
  if ('#set' in object) return new Set((object['#set'] as unknown[]).map(fromItf))
  if ('#map' in object) {
    return new Map((object['#map'] as [unknown, unknown][]).map(([k, v]) => [fromItf(k), fromItf(v)]))
  }
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, fromItf(value)]))
}

/** Writes a value as an expression. */
export function toQuint(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `[${value.map(toQuint).join(', ')}]`
  if (value instanceof Set) return `Set(${[...value].map(toQuint).join(', ')})`
  if (value instanceof Map) {
    return `Map(${[...value].map(([k, v]) => `${toQuint(k)} -> ${toQuint(v)}`).join(', ')})`
  }
  if (isVariant(value)) return isUnit(value.value) ? value.tag : `${value.tag}(${toQuint(value.value)})`
  const fields = Object.entries(value as object).map(([name, field]) => `${name}: ${toQuint(field)}`)
  return `{ ${fields.join(', ')} }`
}

function isVariant(value: unknown): value is Variant {
  const names = Object.keys(value as object)
  return names.length === 2 && 'tag' in (value as object) && 'value' in (value as object)
}

function isUnit(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
