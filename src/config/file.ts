/**
 * The configuration file: YAML, whose every name must be one of the schema.
 *
 * Owns: reading it, with the line and column of every value. Values are checked in resolve.ts.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { isAlias, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { perdureError } from '../errors.ts'
import type { Given } from './layers.ts'
import { type Problem, unknownName } from './problem.ts'
import { type Group, settingsOf } from './schema.ts'
import { Setting } from './setting.ts'

/** Nobody writes so much by hand; reading more would be a way to stall a process. */
const MOST_CHARACTERS = 1024 * 1024
/** Aliases of one value: more are a way to fill the memory, not to save words. */
const MOST_ALIASES = 100

/** What a file holds, and what is wrong with it. */
export interface FileContents {
  readonly given: readonly Given[]
  readonly problems: readonly Problem[]
}

/**
 * Reads a file.
 *
 * @throws NOT_FOUND when there is none, or it may not be read.
 */
export function readConfigFile(path: string, schema: Group): FileContents {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw perdureError('NOT_FOUND', {
      expected: `a configuration file at ${path}`,
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      fix: 'Correct --config or PERDURE_CONFIG, or the permissions of the file',
      cause,
      data: { path },
    })
  }
  return readConfigText(text, basename(path), schema)
}

/** Reads the text of a file; `name` stands before every line number. */
export function readConfigText(text: string, name: string, schema: Group): FileContents {
  if (text.length > MOST_CHARACTERS) {
    const message = `expected at most ${MOST_CHARACTERS} characters; found ${text.length}. Shorten the file.`
    return { given: [], problems: [{ where: name, message }] }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false })
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0)
    return `${name}:${line}:${col}`
  }
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    const problems = faults.map(({ message, pos }) => ({
      where: at(pos[0]),
      message: `expected YAML; found a mistake: ${message.replace(/\.$/, '')}. Correct it.`,
    }))
    return { given: [], problems }
  }
  const reader = new Reader(schema, at, (node) => node.toJS(document, { maxAliasCount: MOST_ALIASES }))
  const root = document.contents
  // a file of comments only is a file that gives nothing
  if (root !== null && !(isScalar(root) && root.value === null)) reader.group(root, schema, '')
  return reader
}

/** Walks the nodes of a document and the groups of the schema side by side. */
class Reader implements FileContents {
  readonly given: Given[] = []
  readonly problems: Problem[] = []
  readonly #schema: Group
  readonly #at: (offset: number | undefined) => string
  readonly #read: (node: Node) => unknown

  constructor(schema: Group, at: (offset: number | undefined) => string, read: (node: Node) => unknown) {
    this.#schema = schema
    this.#at = at
    this.#read = read
  }

  group(node: Node, group: Group, path: string): void {
    if (!isMap(node)) {
      const found = isAlias(node) ? 'an alias' : 'something else'
      const message = `expected ${path === '' ? 'the file' : path} to be a mapping; found ${found}. Write names with a colon, indented below it.`
      this.problems.push({ where: this.#at(node.range?.[0]), message })
      return
    }
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      const where = this.#at(isNode(key) ? key.range?.[0] : undefined)
      // a name as of an object's own prototype is as unknown as any other
      const part = Object.hasOwn(group, name) ? group[name] : undefined
      const place = path === '' ? name : `${path}.${name}`
      if (part === undefined) {
        this.problems.push(unknownName(where, name, Object.keys(group), this.#elsewhere(name)))
      } else if (isNode(value)) {
        if (part instanceof Setting) this.#value(value, place)
        else if (!isScalar(value) || value.value !== null) this.group(value, part, place)
      }
    }
  }

  #value(node: Node, path: string): void {
    const where = this.#at(node.range?.[0])
    try {
      const value = this.#read(node)
      // nothing behind the colon: not given
      if (value !== null) this.given.push({ path, value, isText: false, where })
    } catch (cause) {
      const found = cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
      this.problems.push({ where, message: `expected a value; found ${found}. Write it out.` })
    }
  }

  /** The one other place in the schema where a name stands. */
  #elsewhere(name: string): string | undefined {
    const paths = [...settingsOf(this.#schema)].map(({ path }) => path)
    const found = paths.filter((path) => path.split('.').at(-1) === name)
    return found.length === 1 ? found[0] : undefined
  }
}
