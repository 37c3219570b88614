/**
 * Requirements as people write them, checked and brought into one form; and what a worker says of itself, checked.
 *
 * Owns: the public shape and every refusal of it. What requirements mean is core/policy/placement.
 */
import { isLabel, type Requirements, type WorkerAttributes } from '../core/model/requirements.ts'
import { isGlob } from '../std/glob.ts'
import { parseNetwork } from '../std/network.ts'
import { checkKnown, invalidOption, nonEmptyText, wholeNumber } from '../std/options.ts'
import { parseSize } from '../std/size.ts'

/** What a job needs of the worker that takes it. All must hold; lists may be given as one text. */
export interface RequireOptions {
  /** Globs of host names, one of which must match; with `!` before it: none may. `['node*', '!node7']`. */
  readonly hosts?: string | readonly string[]
  /** Networks, one of which the host must have an address in: `10.0.0.0/8`, `!fd00::/8`. */
  readonly networks?: string | readonly string[]
  /** `linux/x64`, `linux/*`, `linux`; one of them must match. */
  readonly platforms?: string | readonly string[]
  /** Absolute paths that must exist on the host, all of them. */
  readonly paths?: string | readonly string[]
  /** Labels that the worker must have, all of them; globs, `!` for one that it must not have. */
  readonly labels?: string | readonly string[]
  /** The worker must be this user, or root. Follows from `command.user` by itself. */
  readonly user?: string
  /** The worker must have this group, or be root. Follows from `command.group` by itself. */
  readonly group?: string
  /** Processors that the job has to itself while it runs; a whole number from 1. */
  readonly cpus?: number
  /** Memory that it has to itself: `'4GiB'`, or bytes. */
  readonly memory?: number | string
}

const KNOWN = ['hosts', 'networks', 'platforms', 'paths', 'labels', 'user', 'group', 'cpus', 'memory']
/** Entries of one list; each is matched with every worker. */
const MOST_ENTRIES = 64
const MOST_CPUS = 1_000_000
const MOST_PATH = 4_096

/** Words of other systems for the same platforms. */
const SYNONYMS: Readonly<Record<string, string>> = {
  amd64: 'x64',
  x86_64: 'x64',
  aarch64: 'arm64',
  macos: 'darwin',
  windows: 'win32',
}

/** Requirements that are lists. */
type ListName = 'hosts' | 'networks' | 'platforms' | 'paths' | 'labels'

/**
 * Checks requirements; answers them in one form.
 *
 * @param name what is being read, for the message: `'job("render") requires'`.
 * @param called what entries of lists are called where they have names of their own, such as flags.
 * @throws INVALID_OPTION for what is malformed, naming the entry.
 */
export function readRequirements(
  name: string,
  given: unknown,
  called: Partial<Record<ListName, string>> = {},
): Requirements {
  checkKnown(name, given, KNOWN)
  const { user, group, cpus, memory, ...lists } = given as RequireOptions
  const { hosts, networks, platforms, paths, labels } = lists
  const list = (part: ListName, entries: unknown, read: Read): string[] =>
    readList(`${name}.${part}`, entries, read, called[part])
  return {
    ...(hosts === undefined ? {} : { hosts: list('hosts', hosts, readHost) }),
    ...(networks === undefined ? {} : { networks: list('networks', networks, readMask) }),
    ...(platforms === undefined ? {} : { platforms: list('platforms', platforms, readPlatform) }),
    ...(paths === undefined ? {} : { paths: list('paths', paths, readPath) }),
    ...(labels === undefined ? {} : { labels: list('labels', labels, readGlob) }),
    ...(user === undefined ? {} : { user: nonEmptyText(`${name}.user`, user) }),
    ...(group === undefined ? {} : { group: nonEmptyText(`${name}.group`, group) }),
    ...(cpus === undefined ? {} : { cpus: wholeNumber(`${name}.cpus`, cpus, 1, MOST_CPUS) }),
    ...(memory === undefined ? {} : { memory: readMemory(`${name}.memory`, memory) }),
  }
}

type Read = (name: string, text: string) => string

function readList(name: string, given: unknown, read: Read, called: string | undefined): string[] {
  const entries: unknown[] = Array.isArray(given) ? given : [given]
  if (entries.length > MOST_ENTRIES) throw invalidOption(name, `at most ${MOST_ENTRIES} entries`, entries)
  return entries.map((entry, index) => {
    const own = called ?? (Array.isArray(given) ? `${name}[${index}]` : name)
    if (typeof entry !== 'string' || /\p{Cc}/u.test(entry) || !entry.isWellFormed())
      throw invalidOption(own, 'text without control characters', entry)
    return read(own, entry)
  })
}

/** Splits a pattern into its negation and the rest. */
function negated(text: string): [string, string] {
  return text.startsWith('!') ? ['!', text.slice(1)] : ['', text]
}

const readGlob: Read = (name, text) => {
  if (isGlob(negated(text)[1])) return text
  throw invalidOption(name, 'a pattern such as node*, node[0-9] or !node7', text)
}

/** Host names know no case. */
const readHost: Read = (name, text) => readGlob(name, text).toLowerCase()

const readMask: Read = (name, text) => {
  if (parseNetwork(negated(text)[1]) !== undefined) return text
  throw invalidOption(name, 'a network such as 10.0.0.0/8 or fd00::/8', text)
}

const readPlatform: Read = (name, text) => {
  const [not, bare] = negated(text.toLowerCase())
  const [os = '', architecture = '*', ...rest] = bare.split('/')
  if (rest.length > 0 || !isGlob(os) || !isGlob(architecture)) {
    throw invalidOption(name, 'a system and an architecture such as linux/x64 or linux/*', text)
  }
  return `${not}${SYNONYMS[os] ?? os}/${SYNONYMS[architecture] ?? architecture}`
}

const readPath: Read = (name, text) => {
  if (/^(\/|[A-Za-z]:[\\/])/.test(text) && text.length <= MOST_PATH) return text
  throw invalidOption(name, `an absolute path of at most ${MOST_PATH} characters`, text)
}

function readMemory(name: string, memory: unknown): number {
  const bytes = parseSize(name, memory)
  if (bytes > 0) return bytes
  throw invalidOption(name, 'more than nothing', memory)
}

const readLabel: Read = (name, label) => {
  if (isLabel(label)) return label
  throw invalidOption(name, 'a label such as gpu or gpu=a100', label)
}

const ATTRIBUTES = [
  ...['hosts', 'addresses', 'platform', 'user', 'uid', 'group', 'gid', 'isRoot', 'mounts', 'cpus', 'memory'],
  'labels',
]
/** Entries of one list that a worker may bring: more than any machine has. */
const MOST_SAID = 4_096

/**
 * Checks what a worker says of itself: it may be a program in any language. What it leaves out is nothing.
 *
 * @throws INVALID_OPTION
 */
export function readAttributes(given: unknown): WorkerAttributes {
  const name = 'attributes'
  checkKnown(name, given, ATTRIBUTES)
  const said = given as Partial<WorkerAttributes>
  const text = (part: 'platform' | 'user' | 'group'): string =>
    (said[part] ?? '') === '' ? '' : nonEmptyText(`${name}.${part}`, said[part])
  const texts = (part: 'hosts' | 'addresses' | 'labels', read: Read = nonEmptyText): string[] =>
    readSaid(`${name}.${part}`, said[part], (each, value) => read(each, value as string))
  return {
    hosts: texts('hosts').map((host) => host.toLowerCase()),
    addresses: texts('addresses'),
    platform: text('platform'),
    user: text('user'),
    uid: wholeNumber(`${name}.uid`, said.uid ?? -1, -1, 2 ** 32),
    group: text('group'),
    gid: wholeNumber(`${name}.gid`, said.gid ?? -1, -1, 2 ** 32),
    isRoot: said.isRoot === true,
    mounts: readSaid(`${name}.mounts`, said.mounts, readMount),
    cpus: wholeNumber(`${name}.cpus`, said.cpus ?? 0, 0, MOST_CPUS),
    memory: wholeNumber(`${name}.memory`, said.memory ?? 0, 0, Number.MAX_SAFE_INTEGER),
    labels: texts('labels', readLabel),
  }
}

function readSaid<T>(name: string, list: unknown, read: (name: string, value: unknown) => T): T[] {
  if (list === undefined) return []
  if (!Array.isArray(list) || list.length > MOST_SAID)
    throw invalidOption(name, `a list of at most ${MOST_SAID}`, list)
  return list.map((value, index) => read(`${name}[${index}]`, value))
}

function readMount(name: string, mount: unknown): WorkerAttributes['mounts'][number] {
  checkKnown(name, mount, ['path', 'type', 'isNetwork'])
  const { path, type, isNetwork } = mount as Record<string, unknown>
  return {
    path: nonEmptyText(`${name}.path`, path, MOST_PATH),
    type: type === undefined ? '' : nonEmptyText(`${name}.type`, type),
    isNetwork: isNetwork === true,
  }
}
