/**
 * Keeps the protocol and the code that is generated from it in step.
 *
 * Owns: src/protocol/generated/ and proto/baseline.binpb, the definitions as they were released last. The baseline is
 * what the next version must stay compatible with; it is taken anew at a release, never to make a check pass.
 *
 * Usage: node scripts/protocol.ts             generates the code
 *        node scripts/protocol.ts --check     lint, form, breaking changes, and whether the code is up to date
 *        node scripts/protocol.ts --baseline  takes the definitions as the new baseline
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const ROOT = join(import.meta.dirname, '..')
const PROTO = join(ROOT, 'proto')
const GENERATED = join(ROOT, 'src/protocol/generated')
const BUF = join(ROOT, 'node_modules/@bufbuild/buf/bin/buf')

/** Runs buf in `proto/`; answers what it said when it failed. */
function buf(...words: string[]): string | undefined {
  const run = spawnSync(process.execPath, [BUF, ...words], { cwd: PROTO, encoding: 'utf8', timeout: 60_000 })
  if (run.status === 0) return undefined
  return [`buf ${words[0]}:`, run.error?.message, run.stdout, run.stderr].filter(Boolean).join('\n').trim()
}

/** Generates into a folder; answers what went wrong. */
function generate(folder: string): string | undefined {
  const template = {
    version: 'v2',
    plugins: [
      {
        local: [process.execPath, join(ROOT, 'node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es')],
        out: folder,
        opt: ['target=ts', 'import_extension=ts'],
      },
    ],
  }
  return buf('generate', '--template', JSON.stringify(template))
}

/** Files of a folder with what is in them. */
function contents(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

/** Everything that is wrong with the definitions or the code, as sentences. */
export function checkProtocol(): string[] {
  const scratch = mkdtempSync(join(tmpdir(), 'perdure-protocol-'))
  try {
    const problems = [
      buf('lint'),
      buf('format', '--diff', '--exit-code'),
      buf('breaking', '--against', 'baseline.binpb'),
      generate(scratch),
    ].filter((problem) => problem !== undefined)
    const fresh = contents(scratch)
    const kept = contents(GENERATED)
    for (const name of new Set([...fresh.keys(), ...kept.keys()]))
      if (fresh.get(name) !== kept.get(name))
        problems.push(`src/protocol/generated/${name} is not what the definitions give; run npm run protocol`)
    return problems
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Generates the code anew; answers what went wrong. */
function regenerate(): string[] {
  const scratch = mkdtempSync(join(tmpdir(), 'perdure-protocol-'))
  try {
    const problem = generate(scratch)
    if (problem !== undefined) return [problem]
    rmSync(GENERATED, { recursive: true, force: true })
    cpSync(scratch, GENERATED, { recursive: true })
    return []
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, baseline: { type: 'boolean' } } })
  const takeBaseline = () => [buf('build', '-o', 'baseline.binpb')].filter((problem) => problem !== undefined)
  const problems = values.check ? checkProtocol() : values.baseline ? takeBaseline() : regenerate()
  for (const problem of problems) process.stdout.write(`${problem}\n`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
