/**
 * Adds to a lock file the optional packages of other platforms that npm left out of it.
 *
 * npm leaves an optional package out of the lock when the registry in use cannot serve it (a mirror that
 * holds the binaries of some platforms only), and `npm ci` then refuses that lock everywhere. The parent names
 * each such package with its exact version, and the package's name says its platform, so the entry can be
 * written without asking anyone. It has no integrity: `npm install` adds it where the package can be had.
 *
 * Usage: node scripts/complete-lock.ts [package-lock.json]. Never touches an entry that exists.
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface LockEntry {
  version?: string
  cpu?: string[]
  dev?: boolean
  libc?: string[]
  optional?: boolean
  os?: string[]
  optionalDependencies?: Record<string, string>
}

interface Lock {
  packages: Record<string, LockEntry>
}

const OSES = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
/** What some packages call a processor, and what npm does. */
const OTHER_CPUS: Readonly<Record<string, string>> = { aarch64: 'arm64', armv7: 'arm' }
const CPUS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/**
 * Returns the lock with every missing optional platform package, and the names that were added.
 *
 * @throws when a missing package does not say its platform in its name, or its parent does not pin it exactly.
 */
export function completeLock(lock: Lock): { lock: Lock; added: string[] } {
  const packages = { ...lock.packages }
  const added: string[] = []
  for (const [path, parent] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const key = `node_modules/${name}`
      if (key in packages || `${path}/${key}` in packages) continue
      packages[key] = platformEntry(name, version, parent.dev === true)
      added.push(`${name}@${version}`)
    }
  }
  const keys = Object.keys(packages).sort((a, b) => a.localeCompare(b, 'en'))
  return {
    lock: { ...lock, packages: Object.fromEntries(keys.map((key) => [key, packages[key] ?? {}])) },
    added,
  }
}

function platformEntry(name: string, version: string, dev: boolean): LockEntry {
  const parts = name.split(/[-/]/)
  const os = OSES.find((word) => parts.includes(word))
  const words = parts.map((part) => OTHER_CPUS[part] ?? part)
  const cpu = CPUS.find((word) => words.includes(word))
  if (!os || !cpu) throw new Error(`${name}: the name does not say its platform; add it to the lock by hand`)
  if (!/^\d+\.\d+\.\d+/.test(version))
    throw new Error(`${name}: expected an exact version, found "${version}"`)
  const libc = parts.includes('gnu') ? ['glibc'] : parts.includes('musl') ? ['musl'] : undefined
  return { version, cpu: [cpu], ...(dev && { dev }), ...(libc && { libc }), optional: true, os: [os] }
}

if (import.meta.main) {
  const file = process.argv[2] ?? 'package-lock.json'
  const { lock, added } = completeLock(JSON.parse(readFileSync(file, 'utf8')) as Lock)
  if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  process.stdout.write(
    `${file}: ${added.length} entries added${added.map((name) => `\n  ${name}`).join('')}\n`,
  )
}
