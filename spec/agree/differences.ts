/**
 * Differences between two values of a model, by path: what to print when two states should have been equal.
 */

/** Answers `path: expected, found` for each place at which two values differ. */
export function differences(expected: unknown, found: unknown, path = ''): string[] {
  if (Object.is(expected, found)) return []
  const ours = entriesOf(expected)
  const theirs = entriesOf(found)
  if (ours === undefined || theirs === undefined) {
    return [`${path}: expected ${show(expected)}, found ${show(found)}`]
  }
  const names = new Set([...ours.keys(), ...theirs.keys()])
  return [...names].flatMap((name) =>
    differences(ours.get(name), theirs.get(name), path === '' ? name : `${path}.${name}`),
  )
}

function entriesOf(value: unknown): Map<string, unknown> | undefined {
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [String(key), item]))
  if (value instanceof Set) return new Map([...value].map((member) => [String(member), true]))
  if (typeof value !== 'object' || value === null) return undefined
  return new Map(Object.entries(value))
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
