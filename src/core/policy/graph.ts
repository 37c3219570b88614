/**
 * Dependencies within one submission: finds a cycle, if there is one.
 */

/**
 * Answers the positions along a cycle, or undefined where there is none.
 *
 * @param dependsOn For each position, the positions that it depends on.
 */
export function findCycle(dependsOn: readonly (readonly number[])[]): readonly number[] | undefined {
  const NEW = 0
  const OPEN = 1
  const DONE = 2
  const mark = new Uint8Array(dependsOn.length)
  for (let root = 0; root < dependsOn.length; root++) {
    if (mark[root] !== NEW) continue
    // Depth first without recursion: a chain may be ten thousand long.
    const path: { at: number; next: number }[] = [{ at: root, next: 0 }]
    mark[root] = OPEN
    while (path.length > 0) {
      const top = path[path.length - 1] as { at: number; next: number }
      const target = (dependsOn[top.at] as readonly number[])[top.next++]
      if (target === undefined) {
        mark[top.at] = DONE
        path.pop()
      } else if (mark[target] === OPEN) {
        const from = path.findIndex((step) => step.at === target)
        return [...path.slice(from).map((step) => step.at), target]
      } else if (mark[target] === NEW) {
        mark[target] = OPEN
        path.push({ at: target, next: 0 })
      }
    }
  }
  return undefined
}
