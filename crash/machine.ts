/**
 * What the machine must have for a scenario, whether it has it, and how to get it.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** `strace`: system calls can be made to fail. `mount`: a small disk can be made. */
export type Need = 'strace' | 'mount'

const CHECKS: Readonly<Record<Need, () => string | undefined>> = {
  strace: () =>
    succeeds('strace', ['-qq', '-o', '/dev/null', '-e', 'trace=fsync', 'true'])
      ? undefined
      : 'needs strace, and the right to trace processes',
  mount: canMount,
}

const found = new Map<Need, string | undefined>()

/** Why something is not to be had on this machine; undefined where it is. Asked once. */
export function lackOf(need: Need): string | undefined {
  if (!found.has(need)) found.set(need, CHECKS[need]())
  return found.get(need)
}

/**
 * Installs strace through apt, where that is allowed.
 *
 * @returns why it could not be had, or undefined.
 */
export function installStrace(): string | undefined {
  if (process.getuid?.() !== 0) return 'strace is not here, and only root can install it'
  if (!succeeds('apt-get', ['--version'])) return 'strace is not here, and neither is apt-get'
  const install = ['install', '-y', '--no-install-recommends', 'strace']
  // without lists of packages, which an image may lack, the first try fails
  const isDone =
    succeeds('apt-get', install) || (succeeds('apt-get', ['update']) && succeeds('apt-get', install))
  found.delete('strace')
  return isDone ? lackOf('strace') : 'apt-get could not install strace'
}

function canMount(): string | undefined {
  const point = mkdtempSync(join(tmpdir(), 'perdure-mount-'))
  try {
    const isMounted = succeeds('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', point])
    return isMounted && succeeds('umount', [point])
      ? undefined
      : 'needs the right to mount (root, outside of most containers)'
  } finally {
    rmSync(point, { recursive: true })
  }
}

const LIMIT_MS = 120_000

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, {
      stdio: 'ignore',
      timeout: LIMIT_MS,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    return true
  } catch {
    return false
  }
}
