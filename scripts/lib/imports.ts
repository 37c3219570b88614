/**
 * Finds what a source file imports, in every form an import can take.
 *
 * Owns: the forms of an import. Never decides which import is allowed (that is import-rules.ts).
 */
import { dirname, join } from 'node:path/posix'
import { isNode, type Source, type SyntaxNode, walk } from './source.ts'

/** One import of a file. */
export interface Import {
  /** As written: `../core/apply.ts`, `node:fs`, `zod`. */
  readonly specifier: string
  /** The file it names, relative to the root; undefined for packages and built-ins. */
  readonly target: string | undefined
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean
  readonly line: number
}

/**
 * Lists the imports of a file: `import`, `export from`, `import()`, `typeof import()`, `import x = require()`,
 * and `new URL('./file.ts', import.meta.url)`, which is how worker threads name their file.
 */
export function listImports(source: Source): Import[] {
  const found: Import[] = []
  const add = (node: SyntaxNode, literal: unknown, typeOnly: boolean): void => {
    const specifier = literalText(literal)
    if (specifier === undefined) return
    const target = specifier.startsWith('.') ? join(dirname(source.path), specifier) : undefined
    found.push({ specifier, target, typeOnly, line: source.lineOf(node.start) })
  }
  walk(source.program, (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        return add(node, node.source, node.importKind === 'type' || onlyTypes(node, 'importKind'))
      case 'ExportNamedDeclaration':
        return add(node, node.source, node.exportKind === 'type' || onlyTypes(node, 'exportKind'))
      case 'ExportAllDeclaration':
        return add(node, node.source, node.exportKind === 'type')
      case 'ImportExpression':
        return add(node, node.source, false)
      case 'TSImportType':
        return add(node, node.source, true)
      case 'TSExternalModuleReference':
        return add(node, node.expression, false)
      case 'NewExpression':
        if (isUrlOfFile(node)) add(node, (node.arguments as unknown[])[0], false)
    }
  })
  return found
}

/** `import { type A, type B }`: every name is a type, and there is at least one. */
function onlyTypes(node: SyntaxNode, kind: string): boolean {
  const names = (node.specifiers ?? []) as SyntaxNode[]
  return names.length > 0 && names.every((name) => name[kind] === 'type')
}

function isUrlOfFile(node: SyntaxNode): boolean {
  const callee = node.callee
  const first = literalText((node.arguments as unknown[])[0])
  return (
    isNode(callee) && callee.name === 'URL' && first?.startsWith('.') === true && /\.[cm]?[jt]s$/.test(first)
  )
}

function literalText(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  if (value.type === 'TSLiteralType') return literalText(value.literal)
  return value.type === 'Literal' && typeof value.value === 'string' ? value.value : undefined
}
