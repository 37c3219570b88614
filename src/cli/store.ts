/**
 * Opens the store of a command: by itself when nobody owns it, over the owner's socket when somebody does.
 *
 * Owns: finding out which, and taking the store over when the owner that a long command speaks to has gone.
 */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Client } from '../client/client.ts'
import type { Credential } from '../client/remote/credential.ts'
import type { TlsFiles } from '../client/remote/door.ts'
import { PerdureError, perdureError } from '../errors.ts'
import { socketPath } from '../protocol/address.ts'
import { auditFileOf } from '../server/auth/audit-files.ts'
import type { ServedOptions } from '../server/embedded.ts'
import { growingPauseMs } from '../std/pause.ts'
import type { StoreAddress } from './address.ts'
import { Turns } from './turns.ts'

/** Between looks whether the store is free. */
const PAUSES = { firstMs: 15, longestMs: 250 }

/** An open store. */
export interface OpenStore {
  readonly client: Client
  /** True when this process opened the store itself, so that nobody else works on it. */
  readonly isOwner: boolean
  /** Where the store is: its file, or the socket. */
  readonly place: string
  /** The file of the store, where it is known. */
  readonly file: string | undefined
  close(): Promise<void>
}

/** What an owner is told about its engine. */
export type EngineSettings = Pick<
  ServedOptions,
  'retentionEveryMs' | 'maxWaiting' | 'defaults' | 'meter' | 'book' | 'audit'
>

/** How a command uses the store. */
export interface OpenOptions {
  /** True for commands that last: others must be able to reach the store meanwhile. */
  readonly serves: boolean
  /** False refuses to make a store that is not there. Default true. */
  readonly creates?: boolean
  /** False where whoever calls is recorded elsewhere. Default true: what an operator does by this client is recorded. */
  readonly isRecorded?: boolean
  /** Counts where this process owns the store. */
  readonly engine?: EngineSettings
  /** What to show to a node. */
  readonly credential?: Credential | undefined
  /** How a node is known, and what it is shown besides. */
  readonly tls?: TlsFiles
}

/**
 * Opens the store at an address.
 *
 * @throws PerdureError STORE_BUSY when the owner does not answer, NOT_FOUND when there is no store and none is to
 * be made, and whatever opening the store throws.
 */
export async function openStore(address: StoreAddress, options: OpenOptions): Promise<OpenStore> {
  if (address.type === 'unix') return connectOnly(address.path)
  if (address.type === 'node') return connectToNode(address.path, options)
  if (options.creates === false && !existsSync(address.path)) {
    throw perdureError('NOT_FOUND', {
      expected: `a store at ${address.path}`,
      found: 'no file',
      fix: 'Submit a job first, or name another store with --url sqlite:FILE',
      data: { path: address.path },
    })
  }
  makeFile(address.path)
  const owner = new Owner(address.path, options)
  const turns = new Turns(performance.now())
  // An owner's socket is tried first: connecting is cheaper than loading a database to learn that it is busy.
  let socket: string | undefined = socketPath(address.path)
  for (let looks = 0; ; looks += 1) {
    const connected = socket !== undefined && existsSync(socket) ? await tryConnect(socket, owner) : undefined
    if (connected !== undefined) return connected
    try {
      return await owner.open()
    } catch (error) {
      if (!turns.isWorthWaiting(error, performance.now())) throw error
      const { data } = error as PerdureError
      if (typeof data.socket === 'string') socket = data.socket
    }
    await new Promise((resolve) => setTimeout(resolve, growingPauseMs(PAUSES, looks, Math.random())))
  }
}

/** Makes a store's folder and its file for this user alone: submitted environments hold secrets. */
function makeFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // An empty file is an empty database; what SQLite makes beside it gets the same permissions.
    closeSync(openSync(path, 'a', 0o600))
  } catch (cause) {
    throw perdureError('STORE_FAILED', {
      expected: `to be able to write ${path}`,
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      fix: 'Check the permissions of the folder, or name another store with --url sqlite:FILE',
      cause,
      data: { path },
    })
  }
}

/** What this process opens by itself, now or when another owner has gone. */
class Owner {
  readonly path: string
  readonly #serves: boolean
  readonly #isRecorded: boolean
  readonly #engine: EngineSettings
  #opened: { readonly client: Client; close(): Promise<void> } | undefined
  #isClosed = false

  constructor(path: string, { serves, isRecorded = true, engine = {} }: OpenOptions) {
    this.path = path
    this.#serves = serves
    this.#isRecorded = isRecorded
    this.#engine = engine
  }

  async open(): Promise<OpenStore> {
    const opened = await this.#openEmbedded(this.#serves)
    const client = this.#isRecorded ? await this.#recorded(opened) : opened
    return { client, isOwner: true, place: this.path, file: this.path, close: () => this.close() }
  }

  /** Opens and serves the store whose owner does not answer; false when somebody else has done so. */
  async takeOver(): Promise<boolean> {
    if (this.#isClosed || this.#opened !== undefined) return false
    try {
      await this.#openEmbedded(true)
      return true
    } catch (error) {
      if (error instanceof PerdureError && error.code === 'STORE_BUSY') return false
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opened?.close()
  }

  async #recorded(client: Client): Promise<Client> {
    const { auditedClient } = await import('../server/auth/audited-client.ts')
    return auditedClient(client, { ...this.#engine.audit, path: auditFileOf(this.path) })
  }

  async #openEmbedded(serves: boolean): Promise<Client> {
    const { openEmbedded, openServed } = await import('../server/embedded.ts')
    if (serves) {
      this.#opened = await openServed({ ...this.#engine, path: this.path })
    } else {
      const { audit: _, ...engine } = this.#engine
      const client = await openEmbedded({ ...engine, store: 'sqlite', path: this.path })
      this.#opened = { client, close: () => client.close() }
    }
    return this.#opened.client
  }
}

async function tryConnect(socket: string, owner: Owner): Promise<OpenStore | undefined> {
  const { connectSocket } = await import('../client/remote/remote.ts')
  try {
    const client = await connectSocket(socket, { onUnreachable: () => owner.takeOver() })
    const close = async () => {
      await client.close()
      await owner.close()
    }
    return { client, isOwner: false, place: socket, file: owner.path, close }
  } catch (error) {
    // The owner has just ended, or its socket is a dead one.
    if (error instanceof PerdureError && error.code === 'UNAVAILABLE') return undefined
    throw error
  }
}

async function connectOnly(socket: string): Promise<OpenStore> {
  const { connectSocket } = await import('../client/remote/remote.ts')
  const client = await connectSocket(socket)
  return { client, isOwner: false, place: socket, file: undefined, close: () => client.close() }
}

async function connectToNode(url: string, { credential, tls }: OpenOptions): Promise<OpenStore> {
  const { connectNode } = await import('../client/remote/dial-node.ts')
  const client = await connectNode({ url, ...(tls && { tls }), ...(credential && { credential }) })
  return { client, isOwner: false, place: url, file: undefined, close: () => client.close() }
}
