/**
 * Checks every file of `src/` against the import rules, and prints each broken one. Exit code 1 if there is any.
 *
 * Owns: reading the tree and printing. The rules are in lib/import-rules.ts.
 *
 * Usage: node scripts/check-imports.ts [ROOT]
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkFile, type Violation } from './lib/import-rules.ts'
import { listImports } from './lib/imports.ts'
import { listSources, readSource } from './lib/source.ts'

/** Checks the tree below `root`; throws when `src/` has no sources, or one of them does not parse. */
export function checkImports(root: string): { files: number; violations: Violation[] } {
  const paths = listSources(root, ['src'])
  if (paths.length === 0) throw new Error(`expected sources in ${join(root, 'src')}, found none`)
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, object>
  const packages = new Set(
    ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((key) =>
      Object.keys(manifest[key] ?? {}),
    ),
  )
  const violations = paths.flatMap((path) => {
    const source = readSource(root, path)
    return checkFile(source, listImports(source), packages)
  })
  return { files: paths.length, violations }
}

if (import.meta.main) {
  const { files, violations } = checkImports(process.argv[2] ?? process.cwd())
  for (const { path, line, message } of violations) process.stdout.write(`${path}:${line} ${message}\n`)
  process.stdout.write(`${files} files, ${violations.length} broken import rules\n`)
  process.exitCode = violations.length > 0 ? 1 : 0
}
