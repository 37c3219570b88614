/** What a worker runs, and how it ends. */
import { isLabel } from '../../core/model/requirements.ts'
import { MOST_VALUE } from '../../core/policy/sizes.ts'
import { invalidOption, nonEmptyText, wholeNumber } from '../../std/options.ts'
import { duration, type Kind, list, Setting, size, text, toggle, whole } from '../setting.ts'

const MEBI = 2 ** 20
const MOST_SLOTS = 100_000

/** Queues that share all slots, or each with its own number of them. */
export type Queues = readonly string[] | Readonly<Record<string, number>>

const names = list()

/** In a variable: `video,audio`, or `video=4,audio=2`. */
const queues: Kind<Queues> = {
  read: (name, given) => {
    if (Array.isArray(given) && given.length > 0) return names.read(name, given)
    if (typeof given !== 'object' || given === null || Object.keys(given).length === 0) {
      throw invalidOption(name, 'a list of queues, or a mapping from queue to slots', given)
    }
    const entries = Object.entries(given as object).map(([queue, slots]: [string, unknown]) => [
      nonEmptyText(`a queue of ${name}`, queue),
      wholeNumber(`${name}.${queue}`, slots, 1, MOST_SLOTS),
    ])
    return Object.fromEntries(entries) as Record<string, number>
  },
  fromText: (given) => {
    const parts = given.split(',')
    if (!parts.every((part) => /^[^=]+=\d+$/.test(part))) return parts
    return Object.fromEntries(parts.map((part) => [part.split('=')[0], Number(part.split('=')[1])]))
  },
  write: (value) => value,
}

const labels: Kind<readonly string[]> = {
  ...names,
  read: (name, given) => {
    const read = names.read(name, given)
    for (const label of read)
      if (!isLabel(label)) throw invalidOption(name, 'made of labels such as gpu or gpu=a100', label)
    return read
  },
}

/** The section `worker`. */
export const WORKER = {
  queues: new Setting<Queues | undefined>(queues, {
    about: 'queues to work on, sharing all slots, or each with its own number of slots (default: "default")',
    fallback: undefined,
    isLive: true,
  }),
  concurrency: new Setting<number | undefined>(whole(1, MOST_SLOTS), {
    about: `run at most so many jobs at once (default: number of processors, or the sum of "queues")`,
    fallback: undefined,
    isLive: true,
    flag: '-j, --concurrency <n>',
  }),
  drain: new Setting(duration(), {
    about: 'at the end, wait this long for running jobs before they are given back',
    fallback: 25_000,
    isLive: true,
    flag: '--drain <duration>',
  }),
  name: new Setting<string | undefined>(text(200), {
    about: 'name that operators see, unique among live workers (default: host:pid:n)',
    fallback: undefined,
  }),
  processes: new Setting(whole(0, 256), {
    about: 'run jobs in so many processes of their own; 0 runs them in the worker',
    fallback: 0,
    flag: '--processes <n>',
  }),
  memory: new Setting<number | undefined>(size(16 * MEBI, 1024 * 1024 * MEBI), {
    about: 'most heap of each of these processes; one that needs more is replaced',
    fallback: undefined,
    flag: '--memory <size>',
  }),
  labels: new Setting<readonly string[]>(labels, {
    about: 'qualities that jobs can ask for with --label: gpu,licence=render',
    fallback: [],
    flag: '--label <label,...>',
  }),
  hosts: new Setting<readonly string[]>(names, {
    about: 'further names of this host that jobs can ask for, beside those that the system tells',
    fallback: [],
  }),
  cpus: new Setting<number | undefined>(whole(0, 1_000_000), {
    about: 'processors that jobs may reserve together (default: those of the machine)',
    fallback: undefined,
    flag: '--cpus <n>',
  }),
  ram: new Setting<number | undefined>(size(0, Number.MAX_SAFE_INTEGER), {
    about: 'memory that jobs may reserve together (default: that of the machine)',
    fallback: undefined,
    flag: '--ram <size>',
  }),
  supervised: new Setting(toggle(), {
    about: 'run the worker below a small process that replaces it when it dies, and by new code on SIGHUP',
    fallback: false,
    flag: '--supervised',
  }),
  maxResult: new Setting(size(1, MOST_VALUE), {
    about: 'longer results make their attempt fail; characters of JSON',
    fallback: MOST_VALUE,
  }),
  maxPendingOutput: new Setting(size(1, 256 * MEBI), {
    about: 'characters of output, over all attempts, that may wait to be stored',
    fallback: 8 * MEBI,
  }),
} as const
