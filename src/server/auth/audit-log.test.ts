/** The audit log: what is in it, and that nothing can be done to it unseen. */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Action } from './audit-chain.ts'
import { readAudit, verifyAudit } from './audit-check.ts'
import { fullFilesOf } from './audit-files.ts'
import { AuditLog } from './audit-log.ts'
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
  const log = new AuditLog({ path })
  await Promise.all(Array.from({ length: count }, (_, job) => log.append(action(job))))
  return readFileSync(path, 'utf8').trimEnd().split('\n')
}

describe('the chain', () => {
  it('holds over restarts and writers', async () => {
    await write(5)
    const logs = [new AuditLog({ path }), new AuditLog({ path })]
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
    await new AuditLog({ path }).append(action(9))
    expect(await verifyAudit(path)).toMatchObject({ head: { sequence: 3 }, brokenAt: 4 })
    const sequences = []
    for await (const { sequence } of readAudit(path)) sequences.push(sequence)
    expect(sequences).toEqual([1, 2, 3, 4])
  })
})

describe('a log that is full', () => {
  const small = () => ({ path, mostBytes: 2_000, keeps: 3 })
  const full = () => fullFilesOf(path).map((file) => Number(file.slice(path.length + 1)))

  async function fill(log: AuditLog, count: number): Promise<void> {
    for (let job = 0; job < count; job += 1) await log.append(action(job))
  }

  it('goes on in a new file, and the chain through all that are kept', async () => {
    const log = new AuditLog({ ...small(), keeps: 100 })
    await fill(log, 40)
    expect(full().length).toBeGreaterThan(3)
    const { head, ...verdict } = await verifyAudit(path)
    expect(verdict).toEqual({ first: 1, brokenAt: undefined, contains: undefined })
    // each file but the first begins with an entry of its own
    expect(head.sequence).toBe(40 + full().length)
    const jobs = []
    for await (const { what, on } of readAudit(path)) if (what === 'control') jobs.push(on.job)
    expect(jobs).toEqual(Array.from({ length: 40 }, (_, job) => job))
    for (const file of [path, ...fullFilesOf(path)]) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('is no larger than its bounds, and says from where it can be checked', async () => {
    const log = new AuditLog(small())
    await fill(log, 30)
    const { head } = await verifyAudit(path)
    await fill(log, 20)
    expect(full()).toHaveLength(3)
    for (const file of fullFilesOf(path)) expect(statSync(file).size).toBeLessThan(2_500)
    const verdict = await verifyAudit(path)
    expect(verdict).toMatchObject({ brokenAt: undefined })
    expect(verdict.first).toBeGreaterThan(1)
    expect(verdict.head.sequence).toBeGreaterThan(head.sequence)
    // a head that is not that old any more, and one that is
    const { sequence, digest } = lastOf(fullFilesOf(path)[0] as string)
    expect(sequence).toBe(full()[0])
    expect(await verifyAudit(path, digest)).toMatchObject({ contains: true })
    expect(await verifyAudit(path, 'f'.repeat(64))).toMatchObject({ contains: false })
  })

  it('knows the digest before its first entry', async () => {
    const log = new AuditLog({ ...small(), keeps: 1 })
    let digest = ''
    while (full().length === 0 || full()[0] === (await verifyAudit(path)).head.sequence) await fill(log, 1)
    digest = lastOf(fullFilesOf(path)[0] as string).digest
    const before = full()[0]
    while (full()[0] === before) await fill(log, 1)
    expect(await verifyAudit(path, digest)).toMatchObject({ brokenAt: undefined, contains: true })
  })

  it.each([
    ['a file in the middle is missing', () => rmSync(fullFilesOf(path)[1] as string)],
    ['a file was changed', () => change(fullFilesOf(path)[1] as string)],
    ['the present file was changed', () => change(path)],
  ])('shows when %s', async (_, tamper) => {
    await fill(new AuditLog(small()), 50)
    tamper()
    expect((await verifyAudit(path)).brokenAt).toBeGreaterThan(1)
  })

  it('goes on where a crash came between putting it aside and the new one', async () => {
    const log = new AuditLog(small())
    await fill(log, 3)
    renameSync(path, `${path}.3`)
    await fill(new AuditLog(small()), 1)
    expect(await verifyAudit(path)).toMatchObject({ head: { sequence: 5 }, first: 1, brokenAt: undefined })
  })

  it('is left alone by writers without a bound, and shared with those that have one', async () => {
    const logs = [new AuditLog(small()), new AuditLog({ path }), new AuditLog(small())]
    await Promise.all(Array.from({ length: 60 }, (_, job) => logs[job % 3]?.append(action(job))))
    await fill(logs[1] as AuditLog, 30)
    expect(statSync(path).size).toBeGreaterThan(2_500)
    expect((await verifyAudit(path)).brokenAt).toBeUndefined()
  })
})

it('an entry as long as you like does not hide the one before the next', async () => {
  const log = new AuditLog({ path })
  await log.append({ ...action(1), name: 'x'.repeat(300_000) })
  await log.append(action(2))
  expect(await verifyAudit(path)).toMatchObject({ head: { sequence: 2 }, brokenAt: undefined })
})

function lastOf(file: string): { sequence: number; digest: string } {
  return JSON.parse(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '')
}

function change(file: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace('"job":', '"job":1'))
}

describe('a node', () => {
  it('keeps a record of what operators do, and of who tries to and is none', async () => {
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
    const long = 'x'.repeat(100_000)
    await expect(operator.pauseQueue(long, true)).rejects.toMatchObject({ code: 'INVALID_NAME' })
    const entries = []
    for await (const { name, what, on, outcome } of readAudit(node.auditFile))
      entries.push([name.split(' ')[0], what, on, outcome])
    expect(entries).toEqual([
      ['operator', 'control', { job: id, verb: 'cancel' }, 'ok'],
      ['operator', 'pauseQueue', { queue: 'q', paused: true }, 'ok'],
      ['operator', 'workflows.signal', { job: run?.id, signal: 'go' }, 'ok'],
      ['operator', 'control', { job: 999, verb: 'hold' }, 'NOT_FOUND'],
      ['producer', 'control', { job: id, verb: 'delete' }, 'DENIED'],
      ['operator', 'pauseQueue', { queue: long.slice(0, 200), paused: true }, 'INVALID_NAME'],
    ])
    expect(readFileSync(node.auditFile, 'utf8')).not.toContain('canary')
    expect(await verifyAudit(node.auditFile)).toMatchObject({ head: { sequence: 6 }, brokenAt: undefined })
    await node.close()
  })
})
