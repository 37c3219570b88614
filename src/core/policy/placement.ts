/**
 * Placement: whether a worker can take jobs of a requirement class, and why not.
 *
 * Owns: what each requirement means. Judged once per worker and class, never per job. Whether a path exists only the
 * worker can tell, so its answers come in.
 */
import { matchesGlob } from '../../std/glob.ts'
import { isInNetwork, parseNetwork } from '../../std/network.ts'
import { formatSize } from '../../std/size.ts'
import { type Mount, type Requirements, versionOf, type WorkerAttributes } from '../model/requirements.ts'

/** A worker as placement sees it. */
export interface Candidate {
  /** Undefined: it said nothing, and can take only jobs that need nothing. */
  readonly attributes: WorkerAttributes | undefined
  /** Whether a path exists there; undefined: not known yet. */
  hasPath(path: string): boolean | undefined
}

/** The first requirement that a worker does not meet; undefined when it meets all. */
export function lackOf(requires: Requirements, worker: Candidate): keyof Requirements | undefined {
  const { attributes } = worker
  const { hosts, networks, platforms, labels, paths, cpus = 0, memory = 0 } = requires
  if (attributes === undefined) return firstOf(requires)
  if (!meets(hosts, attributes.hosts, matchesGlob)) return 'hosts'
  if (!meets(networks, attributes.addresses, isIn)) return 'networks'
  if (!meets(platforms, [attributes.platform], matchesGlob)) return 'platforms'
  if (!meetsEach(labels, attributes.labels)) return 'labels'
  if (!attributes.isRoot && !isNamed(requires.user, attributes.user, attributes.uid)) return 'user'
  if (!attributes.isRoot && !isNamed(requires.group, attributes.group, attributes.gid)) return 'group'
  if (cpus > attributes.cpus) return 'cpus'
  if (memory > attributes.memory) return 'memory'
  return paths?.every((path) => worker.hasPath(path) === true) === false ? 'paths' : undefined
}

function firstOf(requires: Requirements): keyof Requirements | undefined {
  return (Object.keys(requires) as (keyof Requirements)[])[0]
}

type Matches = (pattern: string, value: string) => boolean

const isIn: Matches = (mask, address) => {
  const network = parseNetwork(mask)
  return network !== undefined && isInNetwork(network, address)
}

/** No value matches a pattern behind `!`, and, where there are others, some value matches one of them. */
function meets(patterns: readonly string[] = [], values: readonly string[], matches: Matches): boolean {
  let isWanted = false
  let isFound = false
  for (const pattern of patterns) {
    const isExcluded = pattern.startsWith('!')
    const bare = isExcluded ? pattern.slice(1) : pattern
    const isMatch = values.some((value) => matches(bare, value))
    if (isExcluded && isMatch) return false
    if (isExcluded) continue
    isWanted = true
    isFound ||= isMatch
  }
  return isFound || !isWanted
}

/** Labels are qualities, all of which are wanted, where hosts are alternatives. */
function meetsEach(patterns: readonly string[] = [], labels: readonly string[]): boolean {
  return patterns.every((pattern) => meets([pattern], labels, matchesGlob))
}

function isNamed(wanted: string | undefined, name: string, number: number): boolean {
  return wanted === undefined || wanted === name || wanted === String(number)
}

/** Whether a path is on a mount of the worker's own machine, as far as its mounts tell. */
export function isNear(mounts: readonly Mount[], path: string): boolean {
  let best: Mount | undefined
  for (const mount of mounts) {
    const isAbove = mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`)
    // of two mounts on the same place the later one hides the other
    if (isAbove && (best === undefined || mount.path.length >= best.path.length)) best = mount
  }
  return best?.isNetwork === false
}

const WORDS: Readonly<Record<keyof Requirements, string>> = {
  hosts: 'host',
  networks: 'network',
  platforms: 'platform',
  paths: 'path',
  labels: 'label',
  user: 'user',
  group: 'group',
  cpus: 'cpus',
  memory: 'memory',
}

/**
 * Why none of these workers can take a job, as a sentence without its full stop; null when one can, if only later. A
 * worker that has not said yet whether a path exists may still turn out to.
 */
export function explain(requires: Requirements, workers: readonly Candidate[]): string | null {
  if (workers.length === 0) return 'no worker is here for its queue and kind'
  const counts = new Map<keyof Requirements, number>()
  for (const worker of workers) {
    const lack = lackOf(requires, worker)
    if (lack === undefined) return null
    const isOpen = (path: string): boolean => worker.hasPath(path) === undefined
    if (lack === 'paths' && worker.attributes !== undefined && requires.paths?.some(isOpen)) return null
    counts.set(lack, (counts.get(lack) ?? 0) + 1)
  }
  const version = versionOfNone(requires, workers)
  if (version !== undefined) return `no worker for version ${version} is here`
  const lacks = [...counts.keys()]
  const [lack] = lacks as [keyof Requirements]
  const all = workers.length === 1 ? 'the only worker here' : `the ${workers.length} workers here`
  if (lacks.length > 1) {
    const parts = [...counts].map(([each, count]) => `${phrase(requires, each)} excludes ${count}`)
    return `no worker matches: ${parts.join(', ')} of ${all}`
  }
  if (lack === 'cpus' || lack === 'memory') return shortage(requires, lack, workers)
  return `no worker matches: ${phrase(requires, lack)} excludes ${all}`
}

/** The version of a workflow that the job wants and no worker has. */
function versionOfNone({ labels = [] }: Requirements, workers: readonly Candidate[]): string | undefined {
  const wanted = labels.find((label) => versionOf(label) !== undefined)
  if (wanted === undefined) return undefined
  const isThere = workers.some(({ attributes }) => attributes?.labels.includes(wanted))
  return isThere ? undefined : versionOf(wanted)
}

function shortage(requires: Requirements, what: 'cpus' | 'memory', workers: readonly Candidate[]): string {
  const most = Math.max(0, ...workers.map(({ attributes }) => attributes?.[what] ?? 0))
  const wanted = requires[what] as number
  if (what === 'cpus') return `needs ${wanted} cpus; the largest worker has ${most}`
  return `needs ${formatSize(wanted)} of memory; the largest worker has ${formatSize(most)}`
}

/** A requirement in the words of the command line: `host node* !node7`. */
function phrase(requires: Requirements, what: keyof Requirements): string {
  const value = requires[what]
  const text = Array.isArray(value)
    ? value.join(' ')
    : what === 'memory'
      ? formatSize(value as number)
      : value
  return `${WORDS[what]} ${String(text)}`
}
