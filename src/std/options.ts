/**
 * Checks of options: one form of message for everything that a caller can get wrong.
 *
 * Owns: the wording of INVALID_OPTION. Never does: defaults, which stand beside the option's meaning.
 */
import { type PerdureError, perdureError } from '../errors.ts'
import { type Network, parseNetwork } from './network.ts'

/** An INVALID_OPTION error. `name` is the full path of the option: `'job("resize") retry.attempts'`. */
export function invalidOption(name: string, expected: string, found: unknown, fix?: string): PerdureError {
  // what is missing cannot be left out
  const otherwise = found === undefined ? '' : ', or leave it out'
  return wrongUse(name, expected, describeValue(found), fix ?? `Give ${name} ${expected}${otherwise}`)
}

/** The same about how options are used together, or not at all: `found` is said in words, and is no value of an option. */
export function wrongUse(name: string, expected: string, found: string, fix: string): PerdureError {
  return perdureError('INVALID_OPTION', {
    expected: `${name} to be ${expected}`,
    found,
    fix,
    data: { option: name },
  })
}

/** A value in a few characters: its text where that is short, its type where it is not. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  if (value === null || ['undefined', 'number', 'boolean'].includes(typeof value)) return String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/**
 * Refuses what is no plain object, and every option that is not in `known`, naming the nearest one that is.
 *
 * @param owner whose options they are, for the message: `'job("resize")'`.
 */
export function checkKnown(owner: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption(`the options of ${owner}`, 'an object', options)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(owner, name, known)
  }
}

/** An option that is not in `known`, with the nearest one that is. */
export function unknownOption(owner: string, name: string, known: readonly string[]): PerdureError {
  const nearest = nearestName(name, known)
  return perdureError('INVALID_OPTION', {
    expected: `options of ${owner} among ${known.join(', ')}`,
    found: describeValue(name),
    fix: nearest === undefined ? `Leave ${name} out` : `Did you mean ${nearest}? Otherwise leave it out`,
    data: { option: name },
  })
}

/** Refuses anything but a whole number in the given range; answers it. */
export function wholeNumber(name: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
    return value as number
  throw invalidOption(name, `a whole number from ${min} to ${max}`, value)
}

/** Refuses anything but a finite number in the given range; answers it. */
export function numberBetween(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw invalidOption(name, `a number from ${min} to ${max}`, value)
}

/** Refuses anything but one of the given words; answers it. */
export function oneOf<T extends string>(name: string, value: unknown, words: readonly T[]): T {
  if ((words as readonly unknown[]).includes(value)) return value as T
  const nearest = typeof value === 'string' ? nearestName(value, words) : undefined
  const all = words.map((word) => `'${word}'`)
  const choice = all.length > 2 ? `one of ${all.join(', ')}` : all.join(' or ')
  throw invalidOption(name, choice, value, nearest === undefined ? undefined : `Did you mean '${nearest}'?`)
}

/** Refuses anything but an array; answers it. `of` says what it holds: `'definitions'`. */
export function arrayOf<T>(name: string, value: readonly T[], of: string): readonly T[] {
  if (Array.isArray(value)) return value
  throw invalidOption(name, `an array of ${of}`, value, `Give ${name} in an array: [...]`)
}

/** Refuses anything but text that is not empty and has at most `max` characters; answers it. */
export function nonEmptyText(name: string, value: unknown, max = 200): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= max) return value
  throw invalidOption(name, `text of 1 to ${max} characters`, value)
}

/** The name that was most likely meant, or undefined when none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  // a shortened word is a word
  const longer = name.length >= 3 ? known.find((candidate) => candidate.startsWith(name)) : undefined
  if (longer !== undefined) return longer
  let best: string | undefined
  // a third of the letters may be wrong; more than that is another word
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions and replacements between two words; stops counting at `limit`. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit
  let above = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const line = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      line.push(Math.min(replaced, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1))
    }
    above = line
  }
  return above[to.length] ?? limit
}

/** The networks that an option names. Throws INVALID_OPTION. */
export function readNetworks(name: string, texts: readonly string[]): readonly Network[] {
  return texts.map((text, index) => {
    const network = parseNetwork(text)
    if (network === undefined) throw invalidOption(`${name}[${index}]`, 'a network such as 10.1.0.0/16', text)
    return network
  })
}
