/**
 * A node that asks for tokens, over a store in memory, and a token for each grant that a test names.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '../../../client/client.ts'
import { connectNode } from '../../../client/remote/dial-node.ts'
import { parseGrant } from '../../../config/grant.ts'
import { openEmbedded } from '../../embedded.ts'
import type { ServedHttp } from '../../http/serve.ts'
import { type NodeOptions, startNode } from '../../node.ts'
import { createToken, type MadeToken } from '../tokens.ts'

/** A node with its own folder, store and tokens. */
export class GuardedNode {
  readonly folder = mkdtempSync(join(tmpdir(), 'perdure-guarded-'))
  readonly tokenFile = join(this.folder, 'tokens')
  readonly auditFile = join(this.folder, 'audit')
  /** The client behind the node, which everything is allowed to. */
  client!: Client
  served!: ServedHttp
  readonly #made = new Map<string, MadeToken>()
  readonly #clients: Client[] = []

  /** Starts one with a token for each of these grants. */
  static async start(grants: readonly string[], options: NodeOptions = {}): Promise<GuardedNode> {
    const node = new GuardedNode()
    for (const grant of grants) await node.grant(grant)
    node.client = await openEmbedded({ store: 'memory' })
    const { tokenFile, auditFile } = node
    node.served = await startNode(node.client, { port: 0, tokenFile, audit: { path: auditFile }, ...options })
    return node
  }

  /** Makes a token. A running node knows it after its next look at the file. */
  async grant(grant: string, lifeMs = 60_000): Promise<MadeToken> {
    const given = { grant: parseGrant('grant', grant), label: grant, lifeMs, now: Date.now() }
    const made = await createToken(this.tokenFile, given)
    this.#made.set(grant, made)
    return made
  }

  /** The text of a grant's token. */
  token(grant: string): string {
    const made = this.#made.get(grant)
    if (made === undefined) throw new Error(`no token was made for ${grant}`)
    return made.token
  }

  headers(grant: string): Record<string, string> {
    return { authorization: `Bearer ${this.token(grant)}` }
  }

  /** A client that shows a grant's token. */
  async connect(grant: string): Promise<Client> {
    const credential = { type: 'token', token: this.token(grant) } as const
    const client = await connectNode({ url: this.served.url, credential }, { reconnectMs: 2_000 })
    this.#clients.push(client)
    return client
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
    await this.served.close()
    await this.client.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
