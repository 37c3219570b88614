/**
 * Who may import whom (docs/ARCHITECTURE.md, "Source tree"), as one table, and the check of one file against it.
 *
 * Owns: the rows, the exceptions inside them, and what the pure core may not name. Never reads files.
 */
import type { Import } from './imports.ts'
import { isTestFile, type Source, walk } from './source.ts'

/** One broken rule, ready to print. */
export interface Violation {
  readonly path: string
  readonly line: number
  readonly message: string
}

interface Part {
  /** Parts it may import, besides itself. */
  readonly may: readonly string[]
  /** Parts of which it may import types only. */
  readonly types?: readonly string[]
}

const BASE = ['std', 'errors.ts']
const LOW = [...BASE, 'core', 'runtime', 'codec']
const MIDDLE = [...LOW, 'store', 'cluster', 'cache', 'engine']
const USERS = ['protocol', 'client', 'client/embedded', 'client/remote', 'executors', 'workflow', 'resource']
const STORES = ['store/memory', 'store/sqlite', 'store/postgres']
const CLUSTERS = ['cluster/local', 'cluster/postgres', 'cluster/etcd']
const BELOW_SERVER = [...MIDDLE, 'config', ...STORES, ...CLUSTERS, ...USERS, 'worker']

/**
 * The parts of `src/`, lowest row first. A part is a folder, a folder's subfolder, or a file; a path belongs to
 * the longest name that fits. A part that is not named here does not exist.
 */
export const PARTS: Readonly<Record<string, Part>> = {
  // an assertion throws an error of the table
  std: { may: ['errors.ts'] },
  'errors.ts': { may: [] },
  core: { may: BASE },
  runtime: { may: BASE, types: ['core'] },
  codec: { may: BASE, types: ['core'] },
  // defaults and bounds are the core's; who reads settings hands on values, never the configuration
  config: { may: [...BASE, 'core'] },
  store: { may: LOW },
  'store/memory': { may: [...LOW, 'store'] },
  'store/sqlite': { may: [...LOW, 'store'] },
  'store/postgres': { may: [...LOW, 'store'] },
  cluster: { may: LOW },
  'cluster/local': { may: [...LOW, 'cluster'] },
  'cluster/postgres': { may: [...LOW, 'cluster'] },
  'cluster/etcd': { may: [...LOW, 'cluster'] },
  cache: { may: LOW },
  // by interface, never a concrete store
  engine: { may: [...LOW, 'store', 'cluster', 'cache'] },
  protocol: { may: LOW },
  client: { may: LOW },
  'client/embedded': { may: [...LOW, 'client', 'engine'], types: ['store'] },
  // the wire is the protocol's, its calls are the client's
  'client/remote': { may: [...LOW, 'client', 'protocol'] },
  executors: { may: LOW },
  workflow: { may: LOW },
  resource: { may: LOW },
  worker: { may: [...LOW, 'cache', 'client', 'executors', 'workflow', 'resource'] },
  server: { may: BELOW_SERVER },
  // the typed surface over a client: what index.ts hands out, in pieces
  app: { may: BELOW_SERVER },
  'app.ts': { may: [...BELOW_SERVER, 'server', 'app'] },
  cli: { may: [...BELOW_SERVER, 'server', 'app', 'app.ts'] },
  'index.ts': { may: [...BELOW_SERVER, 'server', 'app', 'app.ts'] },
  // what users' tests import: over the app, like the command line; imported by no production code
  testing: { may: [...BELOW_SERVER, 'server', 'app', 'app.ts'] },
  dashboard: { may: ['protocol'] },
}

const NOT_PRODUCTION = new Set(['testing', 'dashboard'])

/** What would let a clock, chance, input or another turn of the event loop into the core. */
const IMPURE_NAMES = new Set([
  ...['Date', 'Promise', 'performance', 'crypto', 'fetch', 'process', 'console', 'globalThis', 'require'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'structuredClone', 'Atomics', 'WeakRef'],
])

/** The part that a path of `src/` belongs to; undefined when the table has none. */
export function partOf(path: string): string | undefined {
  const names = path.split('/').slice(1)
  for (let length = names.length; length > 0; length--) {
    const name = names.slice(0, length).join('/')
    if (name in PARTS) return name
  }
  return undefined
}

/**
 * Checks one file of `src/`.
 *
 * @param packages names of the packages that production code may use (the `dependencies`).
 */
export function checkFile(
  source: Source,
  imports: readonly Import[],
  packages: ReadonlySet<string>,
): Violation[] {
  const found: Violation[] = []
  const add = (line: number, message: string): void => {
    found.push({ path: source.path, line, message })
  }
  // a test may reach for anything that helps it to show something
  if (isTestFile(source.path)) return found
  const part = partOf(source.path)
  if (part === undefined) {
    add(
      1,
      'is in no part of the table in scripts/lib/import-rules.ts; move it, or give its folder a row there',
    )
    return found
  }
  for (const imported of imports) {
    const message = imported.target ? judgeFile(part, imported) : judgePackage(part, imported, packages)
    if (message) add(imported.line, message)
  }
  if (part === 'core') for (const { line, name } of impureNames(source)) add(line, `core may not use ${name}`)
  return found
}

function judgeFile(part: string, { target = '', typeOnly, specifier }: Import): string | undefined {
  if (!target.startsWith('src/')) return `production code may not leave src/, found ${specifier}`
  if (isTestFile(target)) return `production code may not import tests, found ${specifier}`
  const other = partOf(target)
  if (other === undefined || other === part) return undefined
  if (NOT_PRODUCTION.has(other)) return `production code may not import ${other}, found ${specifier}`
  const { may, types = [] } = PARTS[part] ?? { may: [] }
  if (may.includes(other)) return undefined
  if (types.includes(other))
    return typeOnly ? undefined : `${part} may import only types of ${other}: ${specifier}`
  return `${part} may not import ${other}, found ${specifier}`
}

function judgePackage(
  part: string,
  { specifier }: Import,
  packages: ReadonlySet<string>,
): string | undefined {
  if (part === 'core') return `core may import neither node nor packages, found ${specifier}`
  if (specifier.startsWith('node:')) return undefined
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (part === 'testing' && name === 'vitest') return undefined
  return packages.has(name) ? undefined : `production code may use "dependencies" only, found ${specifier}`
}

/** Finds impure names that are not merely the name of a property, and everything asynchronous. */
function impureNames(source: Source): { line: number; name: string }[] {
  const found: { line: number; name: string }[] = []
  walk(source.program, (node, above) => {
    const line = source.lineOf(node.start)
    const parent = above.at(-1)
    if (node.async === true) found.push({ line, name: 'async functions' })
    if (node.type === 'AwaitExpression' || node.await === true) found.push({ line, name: 'await' })
    if (node.type === 'MemberExpression' && source.text.slice(node.start, node.end) === 'Math.random') {
      found.push({ line, name: 'Math.random' })
    }
    if (node.type !== 'Identifier' || !IMPURE_NAMES.has(String(node.name))) return
    const isProperty = parent?.property === node && parent.computed !== true
    const isKey = parent?.key === node && parent.computed !== true
    if (!isProperty && !isKey) found.push({ line, name: String(node.name) })
  })
  return found
}
