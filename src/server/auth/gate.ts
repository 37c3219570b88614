/**
 * The gate of a node: who is at the other end of a request.
 *
 * Owns: the tokens that count at the moment, what certificates allow, and that a credential which no longer counts ends
 * what was begun with it. Knows nothing of calls.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Grant } from '../../config/grant.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import { type Caller, callerOf, LOOPBACK } from './caller.ts'
import { isSameDigest, readBearer, type ShownToken } from './token.ts'
import { hasTokenFile, type KeptSecret, type KeptToken, readTokens, signatureOf } from './token-file.ts'

/** What a gate goes by. */
export interface GateOptions {
  /** The file of tokens. Without one there are no tokens. */
  readonly tokenFile?: string
  /** Whether clients may show certificates of an authority of the node's own. */
  readonly takesCertificates?: boolean
  /** What each certificate allows, by its common name; `*` stands for all others. Absent: everything, to all. */
  readonly certificates?: ReadonlyMap<string, Grant>
  /** Told when the file can no longer be read; the tokens known before go on counting. */
  readonly onProblem?: (error: unknown) => void
}

/** What a request shows of its sender. */
export interface Shown {
  readonly headers: Pick<IncomingHttpHeaders, 'authorization'>
  /** The name on a certificate that the node's authority has signed. */
  readonly certificate: string | undefined
}

/** How often the file is looked at, and expired tokens are let go, ms. A revocation counts after this at the latest. */
const LOOK_MS = 2_000

/** One secret that counts, with who bears it. */
interface Entry {
  readonly digest: Buffer
  readonly expiresAt: number
  /** What the caller was made of; another text is another caller. */
  readonly text: string
  readonly caller: Caller
  readonly controller: AbortController
}

/** Nobody's: compared with where there is no token of an id, so that both take the same time. */
const NOBODY = Buffer.alloc(32)

/** Tells callers from strangers. */
export class Gate {
  readonly #options: GateOptions
  /** Aborts once there are tokens: who came in before shows one as well. */
  readonly #open = new AbortController()
  readonly #anybody: Caller = { ...LOOPBACK, ended: this.#open.signal }
  readonly #certified = new Map<string, Caller>()
  #entries = new Map<string, readonly Entry[]>()
  #signature = 'none'
  #hasTokens = false
  #timer: NodeJS.Timeout | undefined

  /** @throws what `readTokens` throws. */
  constructor(options: GateOptions = {}) {
    this.#options = options
    this.#read()
    if (options.tokenFile === undefined) return
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.#timer.unref()
  }

  /** Whether callers have to show a credential. Once they do, they always will: a file that is lost opens nothing. */
  get isRequired(): boolean {
    return this.#hasTokens || this.#options.takesCertificates === true
  }

  /** Whether there is, or was, a file of tokens. */
  get hasTokens(): boolean {
    return this.#hasTokens
  }

  /** Tokens that count at the moment. */
  get size(): number {
    return this.#entries.size
  }

  /** Who sends a request. @throws UNAUTHENTICATED; DENIED for a certificate that is good but not named. */
  identify({ headers, certificate }: Shown): Caller {
    const { authorization } = headers
    if (authorization !== undefined) return this.#bearer(authorization)
    if (certificate !== undefined && this.#options.takesCertificates === true)
      return this.#certificate(certificate)
    if (!this.isRequired) return this.#anybody
    throw unknown('none')
  }

  /** Looks at the file again, and lets go what has expired. */
  look(): void {
    const { tokenFile, onProblem } = this.#options
    if (tokenFile !== undefined && signatureOf(tokenFile) !== this.#signature) {
      try {
        this.#read()
      } catch (error) {
        onProblem?.(error)
      }
    }
    const now = Date.now()
    for (const [id, entries] of this.#entries) {
      const live = entries.filter((entry) => entry.expiresAt > now)
      if (live.length === entries.length) continue
      for (const entry of entries) if (!live.includes(entry)) entry.controller.abort(gone())
      if (live.length > 0) this.#entries.set(id, live)
      else this.#entries.delete(id)
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #bearer(authorization: string): Caller {
    const shown = readBearer(authorization)
    const entry = shown === undefined ? undefined : this.#find(shown)
    if (entry === undefined) throw unknown('one that is not, or no longer, a token of this node')
    return entry.caller
  }

  #find({ id, digest }: ShownToken): Entry | undefined {
    const now = Date.now()
    let found: Entry | undefined
    const entries = this.#entries.get(id)
    if (entries === undefined) isSameDigest(NOBODY, digest)
    for (const entry of entries ?? [])
      if (isSameDigest(entry.digest, digest) && entry.expiresAt > now) found = entry
    return found
  }

  #certificate(name: string): Caller {
    const known = this.#certified.get(name)
    if (known !== undefined) return known
    const { certificates } = this.#options
    const grant: Grant | undefined =
      certificates === undefined ? { roles: ['admin'] } : (certificates.get(name) ?? certificates.get('*'))
    if (grant === undefined) throw unnamed(name)
    const caller = callerOf({ id: `certificate:${name}`, name }, grant)
    // an authority may sign any number of names
    if (this.#certified.size < MOST_CERTIFIED) this.#certified.set(name, caller)
    return caller
  }

  #read(): void {
    const { tokenFile } = this.#options
    if (tokenFile === undefined) return
    // taken before the read: what changes meanwhile is seen by the next look
    const signature = signatureOf(tokenFile)
    const tokens = readTokens(tokenFile)
    this.#signature = signature
    this.#hasTokens ||= hasTokenFile(tokenFile)
    if (this.#hasTokens) this.#open.abort(gone())
    const before = this.#entries
    this.#entries = new Map()
    const now = Date.now()
    for (const token of tokens) {
      const old = before.get(token.id) ?? []
      const entries = token.secrets
        .filter(({ expiresAt }) => expiresAt > now)
        .map((secret) => entryOf(token, secret, old))
      if (entries.length > 0) this.#entries.set(token.id, entries)
    }
    for (const [id, old] of before) {
      const kept = this.#entries.get(id) ?? []
      for (const entry of old) if (!kept.includes(entry)) entry.controller.abort(gone())
    }
  }
}

const MOST_CERTIFIED = 10_000

/** The entry of a secret: the one that there was, where nothing about it has changed. */
function entryOf({ id, label, grant }: KeptToken, secret: KeptSecret, old: readonly Entry[]): Entry {
  const text = JSON.stringify([label, grant, secret])
  const known = old.find((entry) => entry.text === text)
  if (known !== undefined) return known
  const controller = new AbortController()
  const caller = callerOf({ id: `token:${id}`, name: `${label} (${id})` }, grant, controller.signal)
  const digest = Buffer.from(secret.sha256, 'hex')
  return { digest, expiresAt: secret.expiresAt, text, caller, controller }
}

/** The same whatever was wrong: which tokens there are is nobody's business. */
function unknown(found: string): PerdureError {
  return perdureError('UNAUTHENTICATED', {
    expected: 'a credential: `authorization: Bearer TOKEN`, or a client certificate',
    found,
    fix: 'Have a token made with `perdure token create` on the machine of the node, and give it by PERDURE_TOKEN_FILE or --token-file',
  })
}

function gone(): PerdureError {
  return perdureError('UNAUTHENTICATED', {
    expected: 'a credential that still counts',
    found: 'one that has expired or was revoked meanwhile',
    fix: 'Use a new one',
  })
}

function unnamed(name: string): PerdureError {
  return perdureError('DENIED', {
    expected: 'a certificate whose name is listed in node.tls.clients',
    found: `'${name.slice(0, 60)}'`,
    fix: 'Add the name there with what it may do',
  })
}
