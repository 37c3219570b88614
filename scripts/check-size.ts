/**
 * Checks that no file and no function outgrows a reader. Exit code 1 if one does, or if an exception is idle.
 *
 * Owns: the two limits and the list of exceptions. A function counts from its first line to its last.
 *
 * Usage: node scripts/check-size.ts [ROOT]
 */
import { join } from 'node:path'
import {
  isNode,
  isTestFile,
  listSources,
  readSource,
  type Source,
  type SyntaxNode,
  walk,
} from './lib/source.ts'

const FOLDERS = ['src', 'scripts', 'bench', 'examples', 'sim', 'spec', 'crash', 'test']
const FILE_LINES = 600
const FUNCTION_LINES = 70

/** A place that may be larger, and why. `name` is `path` for a file and `path#function` for a function. */
export interface SizeException {
  readonly name: string
  readonly reason: string
}

/** Every exception there is. An entry whose place is small again is reported: delete it. */
export const EXCEPTIONS: readonly SizeException[] = []

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const TEST_CALLS = /^(describe|suite|it|test|bench|beforeAll|beforeEach|afterAll|afterEach)$/

/** Checks the tree below `root`; each message names the place, its lines and the limit. */
export function checkSizes(root: string, exceptions = EXCEPTIONS): { files: number; messages: string[] } {
  const paths = listSources(root, FOLDERS)
  if (paths.length === 0) throw new Error(`expected sources in ${root}, found none`)
  const large = paths.flatMap((path) => measure(readSource(root, path)))
  const allowed = new Set(exceptions.map(({ name }) => name))
  const names = new Set(large.map(({ name }) => name))
  const messages = [
    ...large.filter(({ name }) => !allowed.has(name)).map(({ message }) => message),
    ...exceptions
      .filter(({ name }) => !names.has(name))
      .map(({ name }) => `${name} is within the limits; delete its exception in scripts/check-size.ts`),
  ]
  return { files: paths.length, messages }
}

interface Large {
  readonly name: string
  readonly message: string
}

function measure(source: Source): Large[] {
  const large: Large[] = []
  const lines = source.text.trimEnd().split('\n').length
  if (lines > FILE_LINES) {
    large.push({ name: source.path, message: `${source.path} has ${lines} lines, ${FILE_LINES} at most` })
  }
  const inTests = isTestFile(source.path)
  walk(source.program, (node, above) => {
    if (!FUNCTIONS.has(node.type) || (inTests && holdsTests(node, above.at(-1)))) return
    const first = source.lineOf(node.start)
    const length = source.lineOf(node.end) - first + 1
    if (length <= FUNCTION_LINES) return
    const name = `${source.path}#${functionName(node, above)}`
    large.push({ name, message: `${name} (line ${first}) has ${length} lines, ${FUNCTION_LINES} at most` })
  })
  return large
}

/** True for the body of `describe` and the like, and for a function that wraps such calls (a shared suite). */
function holdsTests(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent?.type === 'CallExpression' && isTestCall(parent)) return true
  const body = isNode(node.body) && Array.isArray(node.body.body) ? (node.body.body as SyntaxNode[]) : []
  return body.some((statement) => isNode(statement.expression) && isTestCall(statement.expression))
}

/** `it(...)`, `it.each(...)(...)`, `describe.skipIf(...)(...)`. */
function isTestCall(node: SyntaxNode): boolean {
  let callee: unknown = node
  while (isNode(callee) && callee.type !== 'Identifier') callee = callee.callee ?? callee.object ?? callee.tag
  return isNode(callee) && TEST_CALLS.test(String(callee.name))
}

function functionName(node: SyntaxNode, above: readonly SyntaxNode[]): string {
  if (isNode(node.id)) return String(node.id.name)
  const parent = above.at(-1)
  const named = parent?.id ?? parent?.key ?? parent?.left
  return isNode(named) && typeof named.name === 'string' ? named.name : '(anonymous)'
}

if (import.meta.main) {
  const { files, messages } = checkSizes(join(process.argv[2] ?? process.cwd()))
  for (const message of messages) process.stdout.write(`${message}\n`)
  process.stdout.write(`${files} files, ${messages.length} too large\n`)
  process.exitCode = messages.length > 0 ? 1 : 0
}
