/** The audit log: what is in it, and that nothing can be done to it unseen. */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Action } from './audit-chain.ts'
import { AuditLog, readAudit, verifyAudit } from './audit-log.ts'
import { GuardedNode } from './testdata/guarded-node.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-audit-'))
  path = join(folder, 'audit')
})
afterEach(() => rmSync(folder, { recursive: true }))

const action = (job: number): Action => ({
  ...{ at: 1_000 + job, who: 'token:1', name: 'ops', what: 'control', outcome: 'ok' },
  on: { job, verb: 'cancel' },
})

async function write(count: number): Promise<string[]> {
  const log = new AuditLog(path)
  await Promise.all(Array.from({ length: count }, (_, job) => log.append(action(job))))
  return readFileSync(path, 'utf8').trimEnd().split('\n')
}

describe('the chain', () => {
  it('holds over restarts and writers', async () => {
    await write(5)
    const logs = [new AuditLog(path), new AuditLog(path)]
    await Promise.all(Array.from({ length: 40 }, (_, job) => logs[job % 2]?.append(action(job))))
    expect(await verifyAudit(path)).toMatchObject({ head: { sequence: 45 }, brokenAt: undefined })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  const tampering: Record<string, (lines: string[]) => string[]> = {
    'a changed outcome': (lines) => lines.map((line, at) => (at === 3 ? line.replace('"ok"', '"no"') : line)),
    'a changed name': (lines) => lines.map((line, at) => (at === 0 ? line.replace('ops', 'eve') : line)),
    'a removed entry': (lines) => lines.filter((_, at) => at !== 4),
    'an entry twice': (lines) => lines.flatMap((line, at) => (at === 4 ? [line, line] : [line])),
    'two in another order': ([a, b, ...rest]) => [b, a, ...rest] as string[],
    'an added property': (lines) => lines.map((line, at) => (at === 2 ? line.replace('{', '{"x":1,') : line)),
    'another way to write it': (lines) =>
      lines.map((line, at) => (at === 2 ? line.replace(',', ', ') : line)),
    'a line that is no entry': (lines) => [...lines, 'hello'],
    'a removed beginning': (lines) => lines.slice(1),
  }
  it.each(Object.entries(tampering))('shows %s', async (_, tamper) => {
    const lines = await write(8)
    writeFileSync(path, `${tamper(lines).join('\n')}\n`)
    expect((await verifyAudit(path)).brokenAt).toBeGreaterThan(0)
  })

  it('shows a cut end to whoever knows an earlier head', async () => {
    await write(8)
    const { head } = await verifyAudit(path)
    const whole = statSync(path).size
    appendFileSync(path, '')
    truncateSync(path, whole - (readFileSync(path, 'utf8').trimEnd().split('\n').at(-1)?.length ?? 0) - 1)
    expect(await verifyAudit(path, head.digest)).toMatchObject({ brokenAt: undefined, contains: false })
  })

  it('goes on after half a line that a crash left, and says where it is', async () => {
    await write(3)
    appendFileSync(path, '{"sequence":4,"at"')
    await new AuditLog(path).append(action(9))
    expect(await verifyAudit(path)).toMatchObject({ head: { sequence: 3 }, brokenAt: 4 })
    const sequences = []
    for await (const { sequence } of readAudit(path)) sequences.push(sequence)
    expect(sequences).toEqual([1, 2, 3, 4])
  })
})

describe('a node', () => {
  it('keeps a record of what operators do, and of nothing else', async () => {
    const node = await GuardedNode.start(['operator', 'producer'])
    const [operator, producer] = [await node.connect('operator'), await node.connect('producer')]
    const [job, run] = await producer.enqueue([{ kind: 'a', input: 'canary' }, { kind: 'b' }])
    const id = job?.id ?? 0
    await producer.get(id)
    await operator.control(id, { verb: 'cancel', reason: 'canary' })
    await operator.pauseQueue('q', true)
    for (const client of [operator, producer]) await client.workflows.signal(run?.id ?? 0, 'go', 'canary')
    await expect(operator.control(999, { verb: 'hold' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(producer.control(id, { verb: 'delete' })).rejects.toMatchObject({ code: 'DENIED' })
    const entries = []
    for await (const { name, what, on, outcome } of readAudit(node.auditFile))
      entries.push([name.split(' ')[0], what, on, outcome])
    expect(entries).toEqual([
      ['operator', 'control', { job: id, verb: 'cancel' }, 'ok'],
      ['operator', 'pauseQueue', { queue: 'q', paused: true }, 'ok'],
      ['operator', 'workflows.signal', { job: run?.id, signal: 'go' }, 'ok'],
      ['operator', 'control', { job: 999, verb: 'hold' }, 'NOT_FOUND'],
    ])
    expect(readFileSync(node.auditFile, 'utf8')).not.toContain('canary')
    expect(await verifyAudit(node.auditFile)).toMatchObject({ head: { sequence: 4 }, brokenAt: undefined })
    await node.close()
  })
})
