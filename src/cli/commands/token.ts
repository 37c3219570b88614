/**
 * `perdure token`: makes, shows, rotates and revokes the tokens of a node.
 *
 * Owns: that a token's text is written once, to standard output or into a file of mode 0600, and nowhere else.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatGrant, parseGrant } from '../../config/grant.ts'
import { auditFileOf } from '../../server/auth/audit-files.ts'
import { AuditLog } from '../../server/auth/audit-log.ts'
import { OWNER } from '../../server/auth/caller.ts'
import { type KeptToken, readTokens, tokenFileOf } from '../../server/auth/token-file.ts'
import { createToken, type MadeToken, revokeToken, rotateToken } from '../../server/auth/tokens.ts'
import { invalidOption, oneOf } from '../../std/options.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { localFile } from '../local-file.ts'
import { parseSpan } from '../parse/values.ts'
import { renderTable } from '../render/text.ts'

interface TokenOptions {
  readonly label?: string
  readonly expires?: string
  readonly overlap?: string
  readonly output?: string
  readonly tokens?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('<action>', 'create, list, rotate or revoke')
    .argument('[words...]', 'create: what it allows, such as `producer in acme`; rotate, revoke: its id')
    .option('--label <text>', 'create: whose it is, for operators (default: what it allows)')
    .option('--expires <duration>', 'create, rotate: how long it counts (default: 90d)')
    .option('--overlap <duration>', 'rotate: how long the old secret still counts (default: 1d)')
    .option('--output <file>', 'create, rotate: write the token into a new file of mode 0600')
    .option('--tokens <file>', 'the file of tokens (default: node.tokens, or beside the store)')
  addExamples(
    command,
    ['perdure token create producer in acme --label ingest', 'prints a token that may enqueue in acme'],
    ['perdure token create worker of video,audio --output worker.token', 'for workers of two queues'],
    ['perdure token list', 'what there is, without secrets'],
    ['perdure token rotate 1f0c5e6a7b8d', 'a new secret; the old one counts for a day more'],
    ['perdure token revoke 1f0c5e6a7b8d', 'counts no more, for running nodes within seconds'],
  )
  command.action(
    run<TokenOptions>(async (context, [action, ...words], options) => {
      const verb = oneOf('the action', action, ['create', 'list', 'rotate', 'revoke'])
      const store = await localFile(context)
      const path = options.tokens ?? (await context.settings()).current.node.tokens ?? tokenFileOf(store)
      if (verb === 'list') return list(context, path)
      mkdirSync(dirname(store), { recursive: true, mode: 0o700 })
      const log = new AuditLog({ path: auditFileOf(store) })
      await log.assertWritable()
      const { id, on } = await ACTIONS[verb](context, path, words, options)
      await log.append({
        at: context.now(),
        who: OWNER.id,
        name: OWNER.name,
        what: `token.${verb}`,
        on: { token: id, ...on },
        outcome: 'ok',
      })
      return 0
    }),
  )
}

/** What was done, for the audit log. */
interface Done {
  readonly id: string
  readonly on: Readonly<Record<string, unknown>>
}

type Act = (context: Context, path: string, words: readonly string[], options: TokenOptions) => Promise<Done>

const ACTIONS: Readonly<Record<'create' | 'rotate' | 'revoke', Act>> = {
  async create(context, path, words, options) {
    const grant = parseGrant('what the token allows', words.join(' '))
    const text = formatGrant(grant)
    const { label = text } = options
    const made = await createToken(path, { grant, label, ...lifeOf(options), now: context.now() })
    tell(context, made, options)
    return { id: made.id, on: { grant: text, label, expiresAt: made.expiresAt } }
  },
  async rotate(context, path, words, options) {
    const { overlap } = options
    const made = await rotateToken(path, idOf(words), {
      ...lifeOf(options),
      ...(overlap !== undefined && { overlapMs: parseSpan('--overlap', overlap) }),
      now: context.now(),
    })
    tell(context, made, options)
    return { id: made.id, on: { expiresAt: made.expiresAt } }
  },
  async revoke(context, path, words) {
    const id = idOf(words)
    await revokeToken(path, id, context.now())
    context.out.data({ id }, `${id}\n`)
    return { id, on: {} }
  },
}

function idOf(words: readonly string[]): string {
  const [id] = words
  if (words.length === 1 && id !== undefined) return id
  throw invalidOption('the token', 'one id, as `perdure token list` shows it', words.join(' '))
}

function lifeOf({ expires }: TokenOptions): { readonly lifeMs?: number } {
  return expires === undefined ? {} : { lifeMs: parseSpan('--expires', expires) }
}

function tell({ out }: Context, { id, token, expiresAt }: MadeToken, { output }: TokenOptions): void {
  const until = new Date(expiresAt).toISOString()
  if (output !== undefined) {
    // never into a file that is there: others might have it open
    writeFileSync(output, `${token}\n`, { mode: 0o600, flag: 'wx' })
    out.data({ id, expiresAt: until, file: output }, `${id}\n`)
  } else out.data({ id, expiresAt: until, token }, `${token}\n`)
  out.note(`Token ${id} counts until ${until}. Nobody can read it again: keep it in a file of mode 0600.`)
}

async function list({ out, now }: Context, path: string): Promise<number> {
  const rows = readTokens(path).map((token) => describe(token, now()))
  if (out.json) for (const row of rows) await out.raw(`${JSON.stringify(row)}\n`)
  else {
    const columns = [
      { title: 'ID' },
      { title: 'LABEL', flexible: true },
      { title: 'ALLOWS' },
      { title: 'COUNTS UNTIL' },
    ]
    const cells = rows.map(({ id, label, allows, until, secrets }) => [
      id,
      label,
      allows,
      `${until ?? 'expired'}${secrets > 1 ? ` (${secrets} secrets)` : ''}`,
    ])
    await out.raw(renderTable(columns, cells, out.width))
  }
  return 0
}

function describe({ id, label, grant, createdAt, secrets }: KeptToken, now: number) {
  const live = secrets.filter(({ expiresAt }) => expiresAt > now)
  const until = Math.max(...live.map(({ expiresAt }) => expiresAt))
  return {
    ...{ id, label, allows: formatGrant(grant), createdAt: new Date(createdAt).toISOString() },
    until: live.length === 0 ? null : new Date(until).toISOString(),
    secrets: live.length,
  }
}
