/**
 * What this machine tells of itself: names, addresses, platform, user, mounts, processors, memory.
 *
 * Owns: where each of them is read. Asks no server: a name that only DNS knows is told by whoever starts the worker.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, hostname, networkInterfaces, totalmem } from 'node:os'
import type { Mount, WorkerAttributes } from '../core/model/requirements.ts'
import { userName } from '../runtime/user.ts'

/** What can be said beside, or instead of, what the machine tells. */
export interface OwnAttributes {
  /** Qualities that jobs ask for. Default: none. */
  readonly labels?: readonly string[]
  /** Names of the host beside those that the machine tells. Default: none. */
  readonly hosts?: readonly string[]
  /** Processors that jobs may reserve together. Default: those that this process may use. */
  readonly cpus?: number
  /** Bytes of memory that jobs may reserve together. Default: what this process may use. */
  readonly memory?: number
}

/** Gathers what this machine tells. Takes about a millisecond. */
export function machineAttributes(own: OwnAttributes = {}): WorkerAttributes {
  const addresses = ownAddresses()
  return {
    hosts: [...namesOf(hostname(), addresses, readText('/etc/hosts')), ...(own.hosts ?? [])],
    addresses,
    platform: `${process.platform}/${process.arch}`,
    ...user(),
    mounts: readMounts(readText('/proc/self/mounts')),
    cpus: own.cpus ?? availableParallelism(),
    memory: own.memory ?? ownMemory(),
    labels: own.labels ?? [],
  }
}

/** A container may use less than the machine has; where nothing bounds it, the answer is 0 or beyond all measure. */
function ownMemory(): number {
  const allowed = process.constrainedMemory()
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
}

/** Loopback addresses are everybody's. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.filter(({ internal }) => !internal).map(({ address }) => address)
}

/** All names of a host: its own, the part of it before the first dot, and those that the file of hosts gives it. */
export function namesOf(name: string, addresses: readonly string[], hostsFile: string): string[] {
  const names = new Set([name.toLowerCase()])
  const own = new Set(addresses)
  for (const line of hostsFile.toLowerCase().split('\n')) {
    const [address = '', ...synonyms] = line.replace(/#.*/, '').trim().split(/\s+/)
    const isOwn = own.has(address) || synonyms.some((synonym) => names.has(synonym))
    if (isOwn) for (const synonym of synonyms) if (!synonym.startsWith('localhost')) names.add(synonym)
  }
  for (const each of [...names]) names.add(each.split('.')[0] as string)
  return [...names]
}

function user(): Pick<WorkerAttributes, 'user' | 'uid' | 'group' | 'gid' | 'isRoot'> {
  const uid = process.getuid?.() ?? -1
  const gid = process.getgid?.() ?? -1
  const group = readText('/etc/group')
    .split('\n')
    .find((line) => line.split(':')[2] === String(gid))
  return { user: userName() ?? '', uid, group: group?.split(':')[0] ?? '', gid, isRoot: uid === 0 }
}

/** File systems whose files are on another machine, or are reached through a program that may be. */
const NETWORK =
  /^(nfs4?|cifs|smb3?|smbfs|9p|afs|ceph|glusterfs|lustre|beegfs|gpfs|ocfs2|davfs|virtiofs|fuse\.(?!overlayfs|fuse-overlayfs).+)$/
/** File systems of the kernel, where nobody keeps data. */
const SYNTHETIC =
  /^(proc|sysfs|cgroup2?|devpts|devtmpfs|mqueue|debugfs|tracefs|securityfs|pstore|bpf|configfs|fusectl|hugetlbfs|autofs|binfmt_misc|nsfs|rpc_pipefs|efivarfs)$/
/** More mounts than jobs could mean; a machine of containers has thousands. */
const MOST_MOUNTS = 256

/** The mounts of /proc/self/mounts, in order. */
export function readMounts(text: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of text.split('\n')) {
    const [, place = '', type = ''] = line.split(' ')
    if (place === '' || SYNTHETIC.test(type) || mounts.length === MOST_MOUNTS) continue
    // spaces and the like are written as octal numbers
    const path = place.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    mounts.push({ path, type, isNetwork: NETWORK.test(type) })
  }
  return mounts
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
