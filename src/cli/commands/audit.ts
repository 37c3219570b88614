/**
 * `perdure audit`: what operators did, and whether that record is whole.
 */
import { ERROR_KINDS } from '../../errors.ts'
import { readAudit, verifyAudit } from '../../server/auth/audit-check.ts'
import { auditFileOf } from '../../server/auth/audit-files.ts'
import { oneOf } from '../../std/options.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { localFile } from '../local-file.ts'

interface AuditOptions {
  readonly contains?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('<action>', 'show: the entries, oldest first; verify: check that none was changed')
    .option('--contains <digest>', 'verify: the log must still hold this head, noted earlier')
  addExamples(
    command,
    ['perdure audit show', 'who did what, when, and what came of it'],
    [
      'perdure audit verify',
      'prints the number of entries and the head; exit code 65 when the chain is broken',
    ],
    ['perdure audit verify --contains 5d41…', 'also notices entries that were cut off the end'],
  )
  command.action(
    run<AuditOptions>(async (context, [action], { contains }) => {
      const verb = oneOf('the action', action, ['show', 'verify'])
      const file = auditFileOf(await localFile(context))
      return verb === 'show' ? show(context, file) : verify(context, file, contains)
    }),
  )
}

async function show({ out }: Context, file: string): Promise<number> {
  for await (const { sequence, at, who, name, what, on, outcome } of readAudit(file)) {
    const entry = { sequence, at: new Date(at).toISOString(), who, name, what, on, outcome }
    const text = [entry.sequence, entry.at, name, what, JSON.stringify(on), outcome].join('\t')
    await out.raw(out.json ? `${JSON.stringify(entry)}\n` : `${text}\n`)
  }
  return 0
}

async function verify({ out }: Context, file: string, contains: string | undefined): Promise<number> {
  const verdict = await verifyAudit(file, contains)
  const { head, first, brokenAt } = verdict
  out.data(
    {
      entries: head.sequence,
      first,
      head: head.digest,
      brokenAt: brokenAt ?? null,
      contains: verdict.contains ?? null,
    },
    `${head.sequence}\t${head.digest}\n`,
  )
  if (first > 1) out.note(`The log goes back to entry ${first}; files before it are not kept any more.`)
  if (brokenAt !== undefined) out.note(`Line ${brokenAt} does not follow from those before it.`)
  if (verdict.contains === false)
    out.note('The head that was asked for is not in the log: something was removed.')
  return brokenAt === undefined && verdict.contains !== false ? 0 : ERROR_KINDS.STORE_CORRUPT.exit
}
