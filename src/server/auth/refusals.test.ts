/** What the audit log holds of refusals: enough to see them, and never so much that they fill it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PerdureError } from '../../errors.ts'
import type { MethodName } from '../../protocol/methods.ts'
import { readAudit, verifyAudit } from './audit-check.ts'
import { AuditLog } from './audit-log.ts'
import { authorize } from './authorize.ts'
import { callerOf } from './caller.ts'
import { Refusals, type Stranger } from './refusals.ts'
import { GuardedNode } from './testdata/guarded-node.ts'
import { newSecret } from './token.ts'

let folder: string
let path: string
let refusals: Refusals

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-refusals-'))
  path = join(folder, 'audit')
  refusals = new Refusals(new AuditLog({ path }), 60_000)
})
afterEach(() => rmSync(folder, { recursive: true }))

const reader = callerOf({ id: 'token:1', name: 'reader' }, { roles: ['reader'] })

function refuse(method: MethodName, ...values: unknown[]): void {
  try {
    authorize({ caller: reader, method, values })
  } catch (error) {
    refusals.ofCaller(reader, method, values, error)
  }
}

const stranger = (address: string, authorization?: string, certificate?: string): Stranger => ({
  ...{ address, authorization, certificate },
})

async function entries(of = path): Promise<unknown[][]> {
  const all = []
  for await (const { who, what, on, outcome } of readAudit(of)) all.push([who, what, on, outcome])
  return all
}

const denied = new PerdureError('UNAUTHENTICATED', '')

describe('refusals', () => {
  it('that are alike are counted', async () => {
    for (let job = 1; job <= 1_000; job += 1) refuse('control', job, { verb: 'cancel' })
    refuse('pauseQueue', 'q', true)
    refuse('enqueue', {})
    await refusals.close()
    expect(await entries()).toEqual([
      ['token:1', 'control', { job: 1, verb: 'cancel' }, 'DENIED'],
      ['token:1', 'pauseQueue', { queue: 'q', paused: true }, 'DENIED'],
      ['token:1', 'control', { again: 999 }, 'DENIED'],
    ])
  })

  it.each<[MethodName, unknown[]]>([
    ['control', []],
    ['import', []],
    ['pauseQueue', [{}, []]],
    ['workflows.signal', [1, 'x'.repeat(100_000)]],
  ])('of %s are kept whatever the call holds', async (method, values) => {
    refuse(method, ...values)
    await refusals.close()
    expect(await entries()).toMatchObject([['token:1', method, {}, 'DENIED']])
    expect(JSON.stringify(await entries()).length).toBeLessThan(500)
  })

  it('of many strangers take no more room than those of a few', async () => {
    const { token } = newSecret('0123456789ab')
    for (let host = 0; host < 10_000; host += 1)
      refusals.ofStranger(stranger(`10.0.${host >> 8}.${host & 255}`, `Bearer ${token}`), denied)
    await refusals.close()
    const found = await entries()
    expect(found.length).toBeLessThan(60)
    expect(found[0]).toMatchObject([
      'address:10.0.0.0',
      'enter',
      { token: '0123456789ab' },
      'UNAUTHENTICATED',
    ])
    expect(found.at(-1)).toMatchObject(['others', 'enter', { again: 9_950 }, 'DENIED'])
    // the id tells an operator which token somebody tries; the secret is nowhere
    expect(JSON.stringify(found)).not.toContain(token.slice(-20))
  })

  it('of those who show nothing are not kept', async () => {
    refusals.ofStranger(stranger('10.0.0.1'), denied)
    refusals.ofStranger(stranger('10.0.0.2', undefined, 'eve'), denied)
    refusals.ofStranger(stranger('10.0.0.3', 'Basic eve'), denied)
    await refusals.close()
    expect(await entries()).toMatchObject([
      ['address:10.0.0.2', 'enter', { certificate: 'eve' }, 'UNAUTHENTICATED'],
      ['address:10.0.0.3', 'enter', {}, 'UNAUTHENTICATED'],
    ])
  })

  it('are written after a while without anybody asking for it', async () => {
    const log = new AuditLog({ path })
    await log.assertWritable()
    refusals = new Refusals(log, 20)
    refuse('pauseQueue', 'q', true)
    refuse('pauseQueue', 'q', true)
    while ((await entries()).length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    // and then told anew
    refuse('pauseQueue', 'q', true)
    await refusals.close()
    expect((await entries()).map(([, , on]) => on)).toEqual([
      { queue: 'q', paused: true },
      { again: 1 },
      { queue: 'q', paused: true },
    ])
  })
})

it('a node records who shows a token that does not count', async () => {
  const node = await GuardedNode.start(['operator'])
  const { token } = newSecret('0123456789ab')
  for (const header of [`Bearer ${token}`, `Bearer ${token}`, undefined]) {
    const answer = await fetch(`${node.served.url}/metrics`, {
      headers: header === undefined ? {} : { authorization: header },
    })
    expect(answer.status).toBe(401)
  }
  await node.served.close()
  expect(await entries(node.auditFile)).toEqual([
    ['address:127.0.0.1', 'enter', { token: '0123456789ab' }, 'UNAUTHENTICATED'],
    ['address:127.0.0.1', 'enter', { again: 1 }, 'UNAUTHENTICATED'],
  ])
  expect((await verifyAudit(node.auditFile)).brokenAt).toBeUndefined()
  await node.close()
})
