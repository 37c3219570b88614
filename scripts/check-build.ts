/**
 * Looks at `dist/` as a user would: every file that package.json promises is there, the library can be imported
 * by its name, its types hold in a strict project, and the command line answers.
 *
 * Owns: the promises of the package. Never builds (that is build.ts).
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const problems: string[] = []

interface Manifest {
  name: string
  version: string
  bin: Record<string, string>
  exports: Record<string, string | { default: string }>
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/** Runs Node and notes a problem when it fails; returns its stdout. */
function node(what: string, args: readonly string[], cwd = root): string {
  const run = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 60_000, input: '' })
  if (run.status === 0) return run.stdout
  const said = [run.error?.message, run.stdout, run.stderr].filter(Boolean).join('\n').trim()
  problems.push(`${what} failed (${run.signal ?? `exit code ${run.status}`}):\n${said}`)
  return ''
}

/** Finds names of TypeScript files that build.ts could not rename, and that would not exist for users. */
function checkUrls(): void {
  for (const entry of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.js')) continue
    const match = /new URL\(\s*['"`](\.[^'"`]*\.ts)['"`]/.exec(readFileSync(join(dist, entry), 'utf8'))
    if (match)
      problems.push(`dist/${entry} names ${match[1]}, which is not built; see CONTRIBUTING.md, "Threads"`)
  }
}

/** Installs the package, by a link, into an empty project and uses every export of it from there. */
function checkExports(): void {
  const project = mkdtempSync(join(tmpdir(), 'perdure-build-'))
  try {
    mkdirSync(join(project, 'node_modules/@types'), { recursive: true })
    symlinkSync(root, join(project, 'node_modules', manifest.name))
    symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
    const names = Object.keys(manifest.exports).filter((name) => name !== './package.json')
    const lines = names.map((name, index) => {
      const specifier = name.replace('.', manifest.name)
      return `import * as entry${index} from '${specifier}'\nif (Object.keys(entry${index}).length === 0) throw new Error('${specifier} exports nothing')\n`
    })
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(project, 'use.mts'), lines.join(''))
    node('importing the library', ['use.mts'], project)
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
    node(
      'the types of the library',
      [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'use.mts'],
      project,
    )
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

/** Lists the files that package.json names and that are not there; without them nothing else makes sense. */
function missingFiles(): string[] {
  const entries = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? entry : Object.values(entry),
  )
  return [...entries, ...Object.values(manifest.bin)].filter((file) => !existsSync(join(root, file)))
}

/** Asks every command for its help, the way a user's shell would find it. */
function checkCommand(name: string, file: string): void {
  const help = node(`${name} --help`, [file, '--help'])
  if (help && !help.includes(name))
    problems.push(`expected "${name}" in the help of ${file}, found:\n${help}`)
  if (!readFileSync(join(root, file), 'utf8').startsWith('#!/usr/bin/env node\n')) {
    problems.push(`expected ${file} to begin with "#!/usr/bin/env node"`)
  }
}

const missing = missingFiles()
if (missing.length > 0) {
  problems.push(`package.json names ${missing.join(', ')}; the build made no such file`)
} else {
  checkUrls()
  checkExports()
  for (const [name, file] of Object.entries(manifest.bin)) checkCommand(name, file)
}

for (const problem of problems) process.stdout.write(`${problem}\n`)
process.exitCode = problems.length > 0 ? 1 : 0
