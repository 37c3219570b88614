/**
 * What every command is given: its output, its store, its surroundings.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { LiveConfig } from '../config/live.ts'
import { isConfigured } from '../config/locate.ts'
import { readAddress, type StoreAddress } from './address.ts'
import { endOnBrokenPipe, Output, type Streams } from './output.ts'
import type { EngineSettings, OpenOptions, OpenStore } from './store.ts'

/** Options that every command has. */
export interface CommonOptions {
  readonly url?: string
  readonly json?: boolean
  readonly quiet?: boolean
  /** For nodes: the file of the token, or `-` for standard input. */
  readonly tokenFile?: string
  /** For nodes: PEM files of the authorities to trust, and of the certificate to show with its key. */
  readonly ca?: string
  readonly cert?: string
  readonly certKey?: string
  /** Of commands that take settings as flags. */
  readonly config?: string
}

/** The surroundings of a command. */
export interface Context {
  readonly out: Output
  readonly env: NodeJS.ProcessEnv
  readonly now: () => number
  /**
   * The configuration: file, environment, and the flags among the given options. Read once.
   *
   * @throws INVALID_CONFIG, NOT_FOUND.
   */
  settings(): Promise<LiveConfig>
  /** Where the store is. */
  address(): Promise<StoreAddress>
  /** Whether there is anything at that address. */
  hasStore(): Promise<boolean>
  /** Opens the store that the options name, hands it over, and closes it whatever happens. */
  withStore<T>(options: OpenOptions, act: (store: OpenStore) => Promise<T>): Promise<T>
}

/** What a command does: it answers the exit code, or nothing for 0. */
export type Action<Options> = (
  context: Context,
  words: string[],
  options: Options,
) => Promise<number | undefined>

/** Makes the context of one run. */
export function makeContext(streams: Streams, env: NodeJS.ProcessEnv, options: CommonOptions): Context {
  endOnBrokenPipe(streams)
  const out = new Output(streams, { json: options.json ?? false, quiet: options.quiet ?? false })
  let loading: Promise<LiveConfig> | undefined
  const context: Context = {
    out,
    env,
    now: Date.now,
    settings() {
      loading ??= readSettings(env, options)
      return loading
    },
    async address() {
      // most commands have nothing to read, and need not load what reads it
      if (!isConfigured({ env, file: options.config })) return readAddress(options.url, env)
      const { current } = await context.settings()
      return readAddress(current.store.url, env)
    },
    async hasStore() {
      const { type, path } = await context.address()
      // a file that is not there is a store in which nothing was done yet; nobody at a socket or a node is an error
      return type !== 'sqlite' || existsSync(path)
    },
    async withStore(opening, act) {
      const address = await context.address()
      const { openStore } = await import('./store.ts')
      const engine = isConfigured({ env, file: options.config })
        ? engineOptions(await context.settings())
        : {}
      const store = await openStore(address, {
        ...opening,
        engine: { ...engine, ...opening.engine },
        ...(address.type === 'node' && (await readAccess(options, env))),
      })
      try {
        return await act(store)
      } finally {
        await store.close()
      }
    },
  }
  return context
}

/** What a node is shown, and how it is known. Never from the command line itself, which others of the machine can see. */
async function readAccess(
  options: CommonOptions,
  env: NodeJS.ProcessEnv,
): Promise<Pick<OpenOptions, 'credential' | 'tls'>> {
  const [{ findCredential }, { readTlsFiles }] = await Promise.all([
    import('../client/remote/credential.ts'),
    import('../client/remote/tls-files.ts'),
  ])
  const { tokenFile } = options
  const token = tokenFile === '-' ? { token: readFileSync(0, 'utf8') } : tokenFile && { tokenFile }
  return { credential: findCredential(token || {}, env), tls: readTlsFiles(options, env) }
}

async function readSettings(env: NodeJS.ProcessEnv, options: CommonOptions): Promise<LiveConfig> {
  const [{ LiveConfig }, { loadConfig }, { flagsOf }] = await Promise.all([
    import('../config/live.ts'),
    import('../config/load.ts'),
    import('./settings.ts'),
  ])
  const sources = { env, file: options.config, flags: flagsOf({ ...options }) }
  return new LiveConfig(sources, await loadConfig(sources))
}

/** What a process that owns the store does differently because of the configuration. */
function engineOptions({ current }: LiveConfig): EngineSettings {
  const { jobs, engine, node } = current
  return {
    retentionEveryMs: engine.retentionEvery,
    maxWaiting: engine.maxWaiting,
    audit: { mostBytes: node.audit.size, keeps: node.audit.files },
    defaults: {
      timeouts: { heartbeatMs: jobs.lease, graceMs: jobs.grace },
      retention: {
        succeededMs: jobs.retention.succeeded,
        failedMs: jobs.retention.failed,
        cancelledMs: jobs.retention.cancelled,
      },
    },
  }
}

/** Adds the options that every command has, so that they may stand before and behind its name. */
export function addCommonOptions(command: Command): Command {
  return command
    .option(
      '--url <url>',
      'store to use: sqlite:FILE, unix:SOCKET or https://HOST:PORT (default: PERDURE_URL, or your own store)',
    )
    .option(
      '--token-file <file>',
      'for nodes: file with the token, or - for standard input (default: PERDURE_TOKEN_FILE or PERDURE_TOKEN)',
    )
    .option(
      '--ca <file>',
      'for nodes: PEM file of the authorities to trust (default: PERDURE_CA, or the system)',
    )
    .option('--cert <file>', 'for nodes: PEM file of the certificate to show (default: PERDURE_CERT)')
    .option('--cert-key <file>', 'for nodes: PEM file of its key (default: PERDURE_CERT_KEY)')
    .option('--json', 'write one JSON value per line to standard output, and errors as JSON')
    .option('--quiet', 'no notes and no progress on standard error')
}

/** Adds examples below the help of a command. */
export function addExamples(command: Command, ...examples: readonly [string, string][]): Command {
  const lines = examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** For options that may be given more than once. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value]
}
