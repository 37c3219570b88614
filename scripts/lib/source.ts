/**
 * Reads our TypeScript sources as syntax trees, for the checks of this folder.
 *
 * Owns: which files count as sources, and one walk over a tree. Never decides what is allowed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { parseSync, visitorKeys } from 'oxc-parser'

/** One node of the tree (ESTree with TypeScript), as far as the checks look at it. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [property: string]: unknown
}

/** One parsed file; `path` is relative to the root, with forward slashes. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly program: SyntaxNode
  /** The line, from 1, of a position in the text. */
  lineOf(position: number): number
}

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'generated', 'coverage', '.git', '.cache'])

/** Lists the `.ts` files below the given folders of a root, sorted; folders that do not exist are empty. */
export function listSources(root: string, folders: readonly string[]): string[] {
  const found: string[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) visit(path)
      else if (entry.isFile() && entry.name.endsWith('.ts'))
        found.push(relative(root, path).split(sep).join('/'))
    }
  }
  for (const folder of folders) if (existsSync(join(root, folder))) visit(join(root, folder))
  return found.sort()
}

/**
 * Parses one file.
 *
 * @throws Error with the file's name and line when the text is not TypeScript.
 */
export function readSource(root: string, path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  const lineOf = (position: number): number => text.slice(0, position).split('\n').length
  const result = parseSync(path, text, { sourceType: 'module' })
  const error = result.errors[0]
  if (error)
    throw new Error(`${path}:${lineOf(error.labels[0]?.start ?? 0)} does not parse: ${error.message}`)
  return { path, text, program: result.program as unknown as SyntaxNode, lineOf }
}

/** Calls `visit` for a node and all nodes below it, with the chain of nodes above (nearest last). */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, above: readonly SyntaxNode[]) => void,
  above: SyntaxNode[] = [],
): void {
  visit(node, above)
  above.push(node)
  for (const key of visitorKeys[node.type] ?? []) {
    const child = node[key]
    for (const item of Array.isArray(child) ? child : [child]) {
      if (isNode(item)) walk(item, visit, above)
    }
  }
  above.pop()
}

/** Tells a node from the other values that a tree holds. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string'
}

/** Tests, and the files that exist for tests only: suites that tests of several folders share, and their data. */
export function isTestFile(path: string): boolean {
  return /\.(test|suite)\.ts$/.test(path) || /(^|\/)testdata\//.test(path)
}
