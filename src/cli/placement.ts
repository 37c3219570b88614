/**
 * The options of submissions that say which worker may take a job.
 *
 * Owns: their names, and how they become requirements. What they mean is docs/placement.md.
 */
import type { Command } from 'commander'
import { readRequirements } from '../client/requirements.ts'
import type { Requirements } from '../core/model/requirements.ts'
import { invalidOption } from '../std/options.ts'
import { formatSize, parseSize } from '../std/size.ts'
import { collect } from './context.ts'
import { parseWhole } from './parse/values.ts'

/** Placement options, as commander gives them. */
export interface PlacementOptions {
  readonly host?: readonly string[]
  readonly notHost?: readonly string[]
  readonly network?: readonly string[]
  readonly platform?: readonly string[]
  readonly path?: readonly string[]
  readonly label?: readonly string[]
  readonly cpus?: string
  readonly memory?: string
}

/** Adds the options to a command. */
export function addPlacementOptions(command: Command): Command {
  return command
    .option(
      '--host <pattern>',
      'only on hosts with such a name (node*); may be given again for others',
      collect,
    )
    .option('--not-host <pattern>', 'not on hosts with such a name; may be given again', collect)
    .option('--network <mask>', 'only on hosts with an address in this network, such as 10.0.0.0/8', collect)
    .option('--platform <system/architecture>', 'only on such machines: linux/x64, linux/*', collect)
    .option('--path <path>', 'only where this path exists; may be given again for further ones', collect)
    .option(
      '--label <label>',
      'only on workers with this label; may be given again for further ones',
      collect,
    )
    .option('--cpus <n>', 'reserve so many processors of the worker while it runs')
    .option('--memory <size>', 'reserve so much memory of the worker while it runs, such as 4G')
}

/** What messages call the entries. */
const FLAGS = {
  ...{ hosts: '--host', networks: '--network', platforms: '--platform', paths: '--path', labels: '--label' },
}

/** What the options need; undefined when nothing. @throws INVALID_OPTION naming the option. */
export function readPlacement(options: PlacementOptions): Requirements | undefined {
  const { host = [], notHost = [], network, platform, path, label, cpus, memory } = options
  const hosts = [...host, ...notHost.map((pattern) => negate('--not-host', pattern))]
  const lists = {
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(network === undefined ? {} : { networks: network }),
    ...(platform === undefined ? {} : { platforms: platform }),
    ...(path === undefined ? {} : { paths: path }),
    ...(label === undefined ? {} : { labels: label }),
  }
  const requires: Requirements = {
    ...readRequirements('options', lists, FLAGS),
    ...(cpus === undefined ? {} : { cpus: parseWhole('--cpus', cpus, 1, 1_000_000) }),
    ...(memory === undefined ? {} : { memory: readMemory(memory) }),
  }
  return Object.keys(requires).length === 0 ? undefined : requires
}

function negate(option: string, pattern: string): string {
  if (!pattern.startsWith('!')) return `!${pattern}`
  throw invalidOption(option, 'a pattern without !', pattern)
}

function readMemory(text: string): number {
  const bytes = parseSize('--memory', text)
  if (bytes > 0) return bytes
  throw invalidOption('--memory', 'more than nothing', text)
}

/** Requirements in the words of the options, for people. */
export function describeRequirements(requires: Requirements): string {
  const { hosts, networks, platforms, paths, labels, user, group, cpus, memory } = requires
  const lists = { host: hosts, network: networks, platform: platforms, path: paths, label: labels }
  const parts = Object.entries(lists).flatMap(([name, list]) =>
    list === undefined ? [] : [`${name} ${list.join(' ')}`],
  )
  if (user !== undefined) parts.push(`user ${user}`)
  if (group !== undefined) parts.push(`group ${group}`)
  if (cpus !== undefined) parts.push(`${cpus} ${cpus === 1 ? 'cpu' : 'cpus'}`)
  if (memory !== undefined) parts.push(`${formatSize(memory)} of memory`)
  return parts.join(', ')
}
