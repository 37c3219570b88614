/**
 * Bucket: tables of tables.
 */

/** The part of a table that belongs to a key, made when it is not there. */
export function bucket<K, V>(table: Map<K, V>, key: K, make: () => V): V {
  const found = table.get(key)
  if (found !== undefined) return found
  const made = make()
  table.set(key, made)
  return made
}
