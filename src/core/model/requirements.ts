/**
 * What a job needs of the worker that takes it, and what workers say of themselves.
 *
 * Owns: the shapes, and the one text under which equal requirements are the same class. Never judges: policy/placement
 * does.
 */

/** All must hold; what is absent or empty asks for nothing. Patterns are globs; one with `!` before it must not match. */
export interface Requirements {
  /** Globs of host names, of which one must match any name of the worker's host. */
  readonly hosts?: readonly string[]
  /** Networks such as `10.0.0.0/8`, of which one must hold any address of the worker's host. */
  readonly networks?: readonly string[]
  /** `os/architecture`, each a glob: `linux/x64`, `linux/*`. */
  readonly platforms?: readonly string[]
  /** Absolute paths that must exist on the worker's host, all of them. */
  readonly paths?: readonly string[]
  /** Globs of labels, each of which must match some label of the worker. */
  readonly labels?: readonly string[]
  /** The user that the worker must be, or be able to become: a name or a number. */
  readonly user?: string
  /** The group, likewise. */
  readonly group?: string
  /** Processors that the job has to itself while it runs. */
  readonly cpus?: number
  /** Bytes of memory, likewise. */
  readonly memory?: number
}

/** One mount of a worker's host. */
export interface Mount {
  readonly path: string
  /** Kind of file system: `ext4`, `nfs4`. */
  readonly type: string
  /** The files are on another machine. */
  readonly isNetwork: boolean
}

/** What a worker says of itself and its host when it begins. */
export interface WorkerAttributes {
  /** All names of the host, in small letters. */
  readonly hosts: readonly string[]
  readonly addresses: readonly string[]
  /** `linux/x64`, in Node's words. */
  readonly platform: string
  /** Name of the user that it runs as; empty where users have none. */
  readonly user: string
  /** -1 where there are no users. */
  readonly uid: number
  readonly group: string
  readonly gid: number
  /** Whether it may run commands as anybody. */
  readonly isRoot: boolean
  readonly mounts: readonly Mount[]
  /** Processors that its jobs may reserve, together. */
  readonly cpus: number
  /** Bytes of memory that its jobs may reserve, together. */
  readonly memory: number
  readonly labels: readonly string[]
}

/** Whether a text can be a label of a worker: a word, or a word and its value. */
export function isLabel(text: unknown): boolean {
  return typeof text === 'string' && /^[\p{L}\p{N}_][\p{L}\p{N}_.:/@=-]{0,199}$/u.test(text)
}

/** What a version of a workflow may be, in words. */
export const VERSION_RULE = 'letters, digits, dots and dashes, at most 64'

/** Whether a text can be a version of a workflow. */
export function isVersion(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/.test(text)
}

/** The label that says which version of a workflow a worker has, and a run wants. */
export function versionLabel(kind: string, version: string): string {
  // Kinds may be any text, labels not; a class of requirements is that of one kind anyway.
  return `version:${kind.replace(/[^\p{L}\p{N}_.:/@-]/gu, '-').slice(0, 100)}=${version}`
}

/** The version of a {@link versionLabel}; undefined for another label. */
export function versionOf(label: string): string | undefined {
  return /^version:[^=]*=(.*)$/.exec(label)?.[1]
}

/** The same requirements for workers of another version, or of any where none is named; undefined where nothing is left. */
export function atVersion(
  requires: Requirements = {},
  kind: string,
  version: string | undefined,
): Requirements | undefined {
  const { labels = [], ...rest } = requires
  const others = labels.filter((label) => versionOf(label) === undefined)
  const wanted = version === undefined ? others : [...others, versionLabel(kind, version)]
  const text = requirementsText({ ...rest, labels: wanted })
  return text === '' ? undefined : (JSON.parse(text) as Requirements)
}

/** What a job reserves of its worker. */
export interface Share {
  readonly cpus: number
  readonly memory: number
}

/** What requirements reserve; nothing where there are none. */
export function shareOf({ cpus = 0, memory = 0 }: Requirements = {}): Share {
  return { cpus, memory }
}

const ORDER: readonly (keyof Requirements)[] = [
  'hosts',
  'networks',
  'platforms',
  'paths',
  'labels',
  'user',
  'group',
  'cpus',
  'memory',
]

/** The canonical text of requirements, empty where nothing is asked for: lists sorted, each entry once. */
export function requirementsText(requires: Requirements): string {
  const parts = ORDER.flatMap((name): [string, unknown][] => {
    const value = requires[name]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
    return [[name, Array.isArray(value) ? [...new Set(value as string[])].sort() : value]]
  })
  return parts.length === 0 ? '' : JSON.stringify(Object.fromEntries(parts))
}

/** A requirement class: jobs of one queue and kind that need the same. */
export interface RequirementClass {
  /** Interned id of the class. */
  readonly id: number
  readonly queue: number
  readonly kind: number
  readonly requires: Requirements
  readonly share: Share
}

/** The name of a class: its queue, its kind, and what its jobs need (empty: nothing). */
export function classText(queue: number, kind: number, requires: string): string {
  return requires === '' ? `${queue}:${kind}` : `${queue}:${kind}:${requires}`
}

/** The class of a name made by {@link classText}; undefined for one without requirements. */
export function requirementClass(id: number, text: string): RequirementClass | undefined {
  const [, queue, kind, json] = /^(\d+):(\d+):(.*)$/s.exec(text) ?? []
  if (json === undefined) return undefined
  const requires = JSON.parse(json) as Requirements
  return { id, queue: Number(queue), kind: Number(kind), requires, share: shareOf(requires) }
}
