/**
 * The form of the audit log: one line of JSON an entry, each with the digest of all before it.
 *
 * Owns: making and checking lines. Whoever changes, removes or inserts a line breaks the chain from there on; cutting off
 * the end leaves a shorter chain that is whole, which is noticed by a head that was written down elsewhere before.
 */
import { createHash } from 'node:crypto'

/** One action of an operator, or one that was refused. */
export interface Action {
  /** Epoch ms. */
  readonly at: number
  /** The caller's id, and its name for readers. */
  readonly who: string
  readonly name: string
  /** A method, or `token.create` and the like; `enter` for a stranger. */
  readonly what: string
  /** What it was about: the arguments that are not values of users. */
  readonly on: Readonly<Record<string, unknown>>
  /** `ok`, or the code of the error. */
  readonly outcome: string
}

/** An action in its place. */
export interface Entry extends Action {
  /** From 1, without gaps. */
  readonly sequence: number
  /** Digest of this entry and, through the one before, of all earlier ones. */
  readonly digest: string
}

/** Where a chain stands. */
export interface Head {
  readonly sequence: number
  readonly digest: string
}

/** Before the first entry. */
export const START: Head = { sequence: 0, digest: '0'.repeat(64) }

/** The entry of an action after a head. */
export function follow(head: Head, { at, who, name, what, on, outcome }: Action): Entry {
  const entry = { sequence: head.sequence + 1, at, who, name, what, on, outcome }
  return { ...entry, digest: digestOf(head.digest, JSON.stringify(entry)) }
}

/** What the first entry of a file says that was begun behind another one. */
const CONTINUED = 'audit.continue'

/** The first entry of a file behind another one: it holds where the chain stood, so that it can be checked from there. */
export function continued({ sequence, digest }: Head, at: number): Entry {
  const on = { sequence, digest }
  return follow(on, { at, who: 'node', name: 'node', what: CONTINUED, on, outcome: 'ok' })
}

/** Where the chain stood before a file whose first line is given; undefined for the first file of all. */
export function baseOf(line: string): Head | undefined {
  const { what, on } = readLine(line) ?? {}
  if (what !== CONTINUED) return undefined
  const { sequence, digest } = on as Partial<Head>
  return Number.isSafeInteger(sequence) && typeof digest === 'string'
    ? { sequence: sequence as number, digest }
    : undefined
}

/** The line of an entry, with its newline. */
export function lineOf(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`
}

/** Reads a line without believing it; undefined for one that is no entry. */
export function readLine(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Entry
    return Number.isSafeInteger(entry.sequence) && typeof entry.digest === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}

/** Whether a line is what follows a head, to the byte. */
export function isNext(head: Head, line: string): Entry | undefined {
  const entry = readLine(line)
  return entry !== undefined && lineOf(follow(head, entry)) === `${line}\n` ? entry : undefined
}

function digestOf(before: string, text: string): string {
  return createHash('sha256').update(before).update('\n').update(text).digest('hex')
}
