/**
 * `perdure doctor`: what the store is, who owns it, whether it is sound.
 */
import { existsSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ERROR_KINDS } from '../../errors.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type CommonOptions } from '../context.ts'
import { packageVersion } from '../program.ts'
import { renderTable, shortBytes } from '../render/text.ts'

/** Below this a store may soon be unable to write. */
const LITTLE_SPACE = 512 * 1024 * 1024
const OLDEST_NODE = [22, 13] as const

interface DoctorOptions extends CommonOptions {
  readonly checkStore?: boolean
}

export const define: Definition = (command, run) => {
  command.option('--no-check-store', 'skip the check of the whole store, which takes a while on a large one')
  addExamples(
    command,
    ['perdure doctor', 'facts and problems; exit code 65 if there are any'],
    ['perdure doctor --json | jq .problems', 'for programs'],
  )
  command.action(
    run<DoctorOptions>(async (context, _, options) => {
      const address = await context.address()
      const isThere = existsSync(address.path)
      return context.withStore({ serves: false }, async ({ client, isOwner, place }) => {
        const facts: Record<string, string | number | boolean> = {
          version: packageVersion(),
          node: process.versions.node,
          platform: `${process.platform} ${process.arch}`,
          file: address.path,
          existed: isThere,
          owner: isOwner ? 'nobody (opened for this check)' : `another process, over ${place}`,
        }
        const problems = [...nodeProblems(), ...disk(address.path, facts)]
        Object.assign(facts, await client.info())
        const { shard, epoch, sequence } = await client.position()
        facts.position = `shard ${shard}, epoch ${epoch}, sequence ${sequence}`
        if (options.checkStore !== false) problems.push(...(await client.check()))
        const rows = Object.entries(facts).map(([name, value]) => [name, String(value)])
        const table = renderTable(
          [{ title: 'FACT' }, { title: 'VALUE', flexible: true }],
          rows,
          context.out.width,
        )
        const found =
          problems.length === 0
            ? 'No problems found.'
            : problems.map((problem) => `Problem: ${problem}`).join('\n')
        context.out.data({ facts, problems }, `${table}\n${found}\n`)
        return problems.length === 0 ? 0 : ERROR_KINDS.STORE_CORRUPT.exit
      })
    }),
  )
}

function nodeProblems(): string[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])
  return isOld
    ? [`Node ${process.versions.node} is older than ${OLDEST_NODE.join('.')}; install a newer one.`]
    : []
}

/** Adds facts about files and disk; answers what is wrong with them. */
function disk(path: string, facts: Record<string, string | number | boolean>): string[] {
  const problems: string[] = []
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isFile()) {
    const log = statSync(`${path}-wal`, { throwIfNoEntry: false })
    facts.size = shortBytes(stat.size + (log?.size ?? 0))
    if ((stat.mode & 0o077) !== 0)
      problems.push(`Others may read ${path} (mode ${(stat.mode & 0o777).toString(8)}); chmod it to 600.`)
  }
  const { bavail, bsize } = statfsSync(dirname(path))
  facts.diskFree = shortBytes(bavail * bsize)
  if (bavail * bsize < LITTLE_SPACE)
    problems.push(`Only ${facts.diskFree} are free on the disk of ${path}; make room.`)
  return problems
}
