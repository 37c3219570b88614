/**
 * Globs for names: `*` for any characters, `?` for one, `[a-f0-9]` and `[!x]` for one of a set.
 *
 * Owns: the grammar, and a match whose time is at most the product of both lengths, whoever wrote the pattern.
 */

/** Longest pattern. */
const MOST_PATTERN = 255

/** One part of a pattern: a star, or a test of one character. */
type Part = '*' | ((character: string) => boolean)

const ANY: Part = () => true

const parsed = new Map<string, readonly Part[]>()
/** Patterns that are kept read; beyond it reading begins anew. */
const MOST_PARSED = 1_000

/** Whether a text is a pattern that {@link matchesGlob} understands: not empty, with its brackets closed. */
export function isGlob(pattern: string): boolean {
  return pattern.length > 0 && pattern.length <= MOST_PATTERN && parse(pattern) !== undefined
}

/**
 * Whether a whole text matches a pattern. Case counts.
 *
 * A star that turns out to have taken too little is taken up again only if it is the last one: what earlier ones took
 * cannot help.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = partsOf(pattern)
  const characters = [...text]
  let at = 0
  let part = 0
  let star = -1
  let starAt = 0
  while (at < characters.length) {
    const test = parts[part]
    if (test === '*') {
      star = part++
      starAt = at
    } else if (test?.(characters[at] as string) === true) {
      part++
      at++
    } else if (star >= 0) {
      part = star + 1
      at = ++starAt
    } else {
      return false
    }
  }
  while (parts[part] === '*') part++
  return part === parts.length
}

function partsOf(pattern: string): readonly Part[] {
  const known = parsed.get(pattern)
  if (known !== undefined) return known
  const parts = parse(pattern) ?? []
  if (parsed.size >= MOST_PARSED) parsed.clear()
  parsed.set(pattern, parts)
  return parts
}

function parse(pattern: string): readonly Part[] | undefined {
  const characters = [...pattern]
  const parts: Part[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string
    if (character === '*') parts.push('*')
    else if (character === '?') parts.push(ANY)
    else if (character !== '[') parts.push((other) => other === character)
    else {
      // a bracket right behind the opening one stands for itself
      const end = characters.indexOf(']', at + (characters[at + 1] === '!' ? 3 : 2))
      if (end < 0) return undefined
      parts.push(setOf(characters.slice(at + 1, end)))
      at = end
    }
  }
  return parts
}

function setOf(characters: readonly string[]): Part {
  const isNegated = characters[0] === '!'
  const members = isNegated ? characters.slice(1) : characters
  const ranges: [string, string][] = []
  for (let at = 0; at < members.length; at++) {
    const first = members[at] as string
    const last = members[at + 2]
    if (members[at + 1] === '-' && last !== undefined) {
      ranges.push([first, last])
      at += 2
    } else {
      ranges.push([first, first])
    }
  }
  return (character) => ranges.some(([first, last]) => first <= character && character <= last) !== isNegated
}
