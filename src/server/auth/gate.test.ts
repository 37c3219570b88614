/** Who is let in: tokens over their life, files that cannot be trusted, and nodes that must not be opened. */
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectNode } from '../../client/remote/dial-node.ts'
import { parseGrant } from '../../config/grant.ts'
import { startNode } from '../node.ts'
import { Gate } from './gate.ts'
import { GuardedNode } from './testdata/guarded-node.ts'
import { newSecret, newTokenId } from './token.ts'
import { readTokens } from './token-file.ts'
import { createToken, revokeToken, rotateToken } from './tokens.ts'

let node: GuardedNode

beforeEach(async () => {
  node = await GuardedNode.start(['admin', 'reader'])
})
afterEach(() => node.close())

const id = (): string => readTokens(node.tokenFile).find(({ label }) => label === 'admin')?.id ?? ''

async function statusOf(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const url = `${node.served.url}/perdure.v1.NodeService/GetPosition`
  return (await fetch(url, { method: 'POST', headers, body: '{}' })).status
}

/** A gate that has looked at the file since its last change. */
function gate(): Gate {
  const opened = new Gate({ tokenFile: node.tokenFile })
  opened.close()
  return opened
}

const shown = (token: string) => ({
  headers: { authorization: `Bearer ${token}` },
  certificate: undefined,
})
const stranger = expect.objectContaining({ code: 'UNAUTHENTICATED' })

describe('a token', () => {
  it('is let in', async () => {
    expect(await statusOf(node.token('admin'))).toBe(200)
  })

  const wrong: Record<string, (token: string) => string> = {
    'an empty one': () => '',
    'a short one': (token) => token.slice(0, -1),
    'a longer one': (token) => `${token}A`,
    'another secret': () => newSecret(id()).token,
    'another id': (token) => token.replace(id(), newTokenId()),
    'the secret alone': (token) => token.slice(-43),
    'its digest': () => readTokens(node.tokenFile)[0]?.secrets[0]?.sha256 ?? '',
    'one of another node': () => newSecret(newTokenId()).token,
    'one with a NUL': (token) => `${token.slice(0, -1)}%00`,
  }
  it.each(Object.entries(wrong))('is not %s', async (_, make) => {
    expect(await statusOf(make(node.token('admin')))).toBe(401)
  })

  it('is nowhere in the file', () => {
    const text = readFileSync(node.tokenFile, 'utf8')
    expect(text).not.toContain(node.token('admin').slice(-43))
    expect(statSync(node.tokenFile).mode & 0o777).toBe(0o600)
  })

  it('counts until it expires, to the millisecond', async () => {
    const now = Date.now()
    const made = await createToken(node.tokenFile, {
      ...{ grant: parseGrant('x', 'reader'), label: 'short', now: now - 60_000 },
      lifeMs: 60_000 + 5_000,
    })
    expect(gate().identify(shown(made.token)).name).toContain('short')
    const past = await createToken(node.tokenFile, {
      ...{ grant: parseGrant('x', 'reader'), label: 'past', now: now - 60_000, lifeMs: 60_000 },
    })
    expect(() => gate().identify(shown(past.token))).toThrow(stranger)
  })

  it('has two secrets while it is rotated, never three', async () => {
    const old = node.token('admin')
    const first = await rotateToken(node.tokenFile, id(), { now: Date.now() })
    expect(gate().identify(shown(first.token)).id).toBe(gate().identify(shown(old)).id)
    const second = await rotateToken(node.tokenFile, id(), { now: Date.now() })
    expect(() => gate().identify(shown(old))).toThrow(stranger)
    expect(gate().identify(shown(second.token)).id).toBe(gate().identify(shown(first.token)).id)
  })

  it('has one secret where the old one is to end at once', async () => {
    const old = node.token('admin')
    const made = await rotateToken(node.tokenFile, id(), { now: Date.now(), overlapMs: 0 })
    expect(() => gate().identify(shown(old))).toThrow(stranger)
    expect(gate().identify(shown(made.token)).rights.has('administer')).toBe(true)
  })

  it('can be changed by many at once without losing a change', async () => {
    const grant = parseGrant('x', 'reader')
    const all = Array.from({ length: 20 }, (_, n) =>
      createToken(node.tokenFile, { grant, label: `n${n}`, now: Date.now() }),
    )
    await Promise.all(all)
    expect(readTokens(node.tokenFile)).toHaveLength(22)
  })
})

describe('a token that is revoked', () => {
  it('ends what was begun with it, within seconds', async () => {
    const credential = { type: 'token', token: node.token('admin') } as const
    const client = await connectNode({ url: node.served.url, credential }, { reconnectMs: 500 })
    const [job] = await client.enqueue([{ kind: 'a' }])
    const waiting = client.wait(job?.id ?? 0).catch((error: { code: string }) => error.code)
    const url = `${node.served.url}/perdure.v1.JobService/Wait`
    const headers = { ...node.headers('admin'), 'content-type': 'application/json' }
    const polled = fetch(url, { method: 'POST', headers, body: JSON.stringify({ id: job?.id }) })
    await revokeToken(node.tokenFile, id(), Date.now())
    expect(await waiting).toBe('UNAUTHENTICATED')
    expect((await polled).status).toBe(401)
    expect(await statusOf(node.token('admin'))).toBe(401)
    expect(await statusOf(node.token('reader'))).toBe(200)
    await client.close()
  })

  it('opens nothing, even when it was the last, or the file is gone', async () => {
    const opened = gate()
    rmSync(node.tokenFile)
    opened.look()
    expect(opened.isRequired).toBe(true)
    expect(() => opened.identify(shown(node.token('admin')))).toThrow(stranger)
    expect(() => opened.identify({ headers: {}, certificate: undefined })).toThrow(stranger)
  })
})

describe('a node without tokens', () => {
  it('asks everybody for one as soon as there is one', async () => {
    const tokenFile = join(node.folder, 'later')
    const served = await startNode(node.client, { port: 0, tokenFile })
    const early = await connectNode({ url: served.url }, { reconnectMs: 500 })
    const [job] = await early.enqueue([{ kind: 'a' }])
    const waiting = early.wait(job?.id ?? 0).catch((error: { code: string }) => error.code)
    await createToken(tokenFile, { grant: parseGrant('x', 'reader'), label: 'x', now: Date.now() })
    expect(await waiting).toBe('UNAUTHENTICATED')
    await expect(connectNode({ url: served.url })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await early.close()
    await served.close()
  })
})

describe('a file of tokens', () => {
  it('that is no longer one changes nothing, and is told', () => {
    const problems: unknown[] = []
    const opened = new Gate({ tokenFile: node.tokenFile, onProblem: (error) => problems.push(error) })
    opened.close()
    writeFileSync(node.tokenFile, '{')
    opened.look()
    expect(problems).toEqual([expect.objectContaining({ code: 'INVALID_CONFIG' })])
    expect(opened.identify(shown(node.token('admin'))).rights.has('administer')).toBe(true)
  })

  it.each([
    ['others can read', () => chmodSync(node.tokenFile, 0o640), 'DENIED'],
    ['others can write', () => chmodSync(node.tokenFile, 0o602), 'DENIED'],
    ['is none', () => writeFileSync(node.tokenFile, '[]'), 'INVALID_CONFIG'],
    [
      'allows what there is not',
      () => {
        const text = readFileSync(node.tokenFile, 'utf8')
        writeFileSync(node.tokenFile, text.replace('"grant": "admin"', '"grant": "root"'))
      },
      'INVALID_OPTION',
    ],
  ])('that %s starts no node', async (_, spoil, code) => {
    spoil()
    const { tokenFile } = node
    await expect(startNode(node.client, { port: 0, tokenFile })).rejects.toMatchObject({ code })
  })
})

describe('a node beyond loopback', () => {
  const start = (options: object) => startNode(node.client, { host: '0.0.0.0', port: 0, ...options })

  it.each([
    ['without anything', () => ({})],
    [
      'with a file of tokens that is not there',
      () => ({ tokenFile: join(node.folder, 'none'), allowsPlain: true }),
    ],
    ['with tokens but without TLS', () => ({ tokenFile: node.tokenFile })],
  ])('is not started %s', async (_, options) => {
    await expect(start(options())).rejects.toMatchObject({ code: 'DENIED' })
  })

  it('is not started with tokens of which none counts', async () => {
    const tokenFile = join(node.folder, 'expired')
    await createToken(tokenFile, {
      grant: parseGrant('x', 'admin'),
      label: 'x',
      lifeMs: 1,
      now: Date.now() - 5,
    })
    await expect(start({ tokenFile, allowsPlain: true })).rejects.toMatchObject({ code: 'DENIED' })
  })
})

describe('certificates', () => {
  const named = new Map([
    ['farm', parseGrant('x', 'worker of video')],
    ['*', parseGrant('x', 'reader')],
  ])
  const identify = (certificates: typeof named | undefined, certificate: string) =>
    new Gate({ takesCertificates: true, ...(certificates && { certificates }) }).identify({
      ...{ headers: {}, certificate },
    })

  it('allow what is said of their names', () => {
    expect([...identify(named, 'farm').rights]).toEqual(['work'])
    expect([...identify(named, 'anybody').rights]).toEqual(['read'])
    expect(identify(undefined, 'anybody').rights.has('administer')).toBe(true)
  })

  it('are refused when their names are not listed', () => {
    const farmOnly = new Map([...named].slice(0, 1))
    expect(() => identify(farmOnly, 'other')).toThrow(expect.objectContaining({ code: 'DENIED' }))
  })

  it('count for nothing where none are asked for', () => {
    const shownAlone = { headers: {}, certificate: 'farm' }
    expect(() => gate().identify(shownAlone)).toThrow(stranger)
  })
})
