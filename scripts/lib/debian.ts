/**
 * Finds programs that are not the project's own (servers of the bench, interpreters of examples), and installs their
 * Debian packages when they are missing and this runs as root. Installing never starts a service.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian asks this script before a package starts its service; exit code 101 means no. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'

/** A program on the PATH, or in one of Debian's versioned PostgreSQL directories. */
function findProgram(name: string): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/usr/local/bin')
  const versioned = '/usr/lib/postgresql'
  if (existsSync(versioned)) {
    for (const version of readdirSync(versioned).sort().reverse())
      directories.push(join(versioned, version, 'bin'))
  }
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path))
}

/**
 * Returns the program, installing `debianPackage` first if it is missing.
 * @param otherwise What else to do about it, for the message.
 * @throws Error that says what to install, when it is missing and cannot be installed from here
 */
export function needProgram(name: string, debianPackage: string, otherwise = ''): string {
  const found = findProgram(name)
  if (found) return found
  const aptGet = findProgram('apt-get')
  if (process.getuid?.() !== 0 || !aptGet) {
    throw new Error(`${name} is not installed: run "sudo apt-get install ${debianPackage}"${otherwise}`)
  }
  process.stderr.write(`installing ${debianPackage} for ${name}\n`)
  install(aptGet, debianPackage)
  const installed = findProgram(name)
  if (!installed) throw new Error(`${name} is still missing after installing ${debianPackage}${otherwise}`)
  return installed
}

function install(aptGet: string, debianPackage: string): void {
  const ownPolicy = !existsSync(SERVICE_POLICY)
  if (ownPolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const steps = [['update'], ['install', '-y', '--no-install-recommends', debianPackage]]
    for (const step of steps) {
      const run = spawnSync(aptGet, step, { env, encoding: 'utf8', timeout: 300_000 })
      if (run.status !== 0 && step[0] === 'install') {
        throw new Error(`apt-get install ${debianPackage} failed: ${run.stderr.trim().split('\n').at(-1)}`)
      }
    }
  } finally {
    if (ownPolicy) rmSync(SERVICE_POLICY, { force: true })
  }
}
