/** TLS and client certificates, with keys that are made for the test. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client/client.ts'
import { connectNode, type NodeAddress } from '../../client/remote/dial-node.ts'
import { parseGrant } from '../../config/grant.ts'
import { createToken } from '../auth/tokens.ts'
import { openEmbedded } from '../embedded.ts'
import { startNode } from '../node.ts'
import type { ServedHttp } from './serve.ts'

let folder: string
let client: Client
let served: ServedHttp

/** A key and a certificate that an authority signed, or that signed itself. */
function makeCertificate(name: string, authority?: string): { cert: string; key: string } {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
  const ec = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
  ]
  const signed =
    authority === undefined
      ? []
      : ['-CA', join(folder, `${authority}.pem`), '-CAkey', join(folder, `${authority}.key`)]
  const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...ec, ...names, ...signed], { stdio: 'ignore' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

let authority: { cert: string; key: string }
let friend: { cert: string; key: string }
let stranger: { cert: string; key: string }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-tls-'))
  authority = makeCertificate('authority')
  friend = makeCertificate('friend', 'authority')
  stranger = makeCertificate('stranger')
  client = await openEmbedded({ store: 'memory' })
  const tls = { ...makeCertificate('node', 'authority'), ca: authority.cert }
  served = await startNode(client, { host: '127.0.0.1', port: 0, tls })
})

afterAll(async () => {
  await served.close()
  await client.close()
  rmSync(folder, { recursive: true })
})

describe('a node that asks for certificates', () => {
  it('lets in who has one of its authority', async () => {
    const remote = await connectNode({ url: served.url, tls: { ca: authority.cert, ...friend } })
    expect(await remote.enqueue([{ kind: 'a' }])).toEqual([{ id: 1, created: true }])
    await remote.close()
  })

  it.each([
    ['none', () => ({})],
    ['one of somebody else', () => stranger],
  ])('refuses who has %s', async (_, shown) => {
    const address = { url: served.url, tls: { ca: authority.cert, ...shown() } }
    await expect(connectNode(address)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('is not trusted by who does not know its authority', async () => {
    await expect(connectNode({ url: served.url, tls: friend })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('a node beyond loopback that takes certificates and tokens', () => {
  let both: ServedHttp
  let token: string

  beforeAll(async () => {
    const tokenFile = join(folder, 'tokens')
    const grant = parseGrant('grant', 'producer')
    token = (await createToken(tokenFile, { grant, label: 'producer', now: Date.now() })).token
    const tls = { ...makeCertificate('both', 'authority'), ca: authority.cert }
    const certificates = new Map([['friend', parseGrant('grant', 'reader')]])
    both = await startNode(client, { host: '0.0.0.0', port: 0, tls, tokenFile, certificates })
  })
  afterAll(() => both.close())

  const connect = (shown: Partial<NodeAddress>) =>
    connectNode({
      ...shown,
      url: `https://127.0.0.1:${both.port}`,
      tls: { ca: authority.cert, ...shown.tls },
    })
  const codeOf = (act: Promise<unknown>): Promise<string> =>
    act.then(
      () => 'ok',
      (error: { code: string }) => error.code,
    )

  it.each([
    ['a certificate by its name', () => ({ tls: friend }), 'ok', 'DENIED'],
    ['a token', () => ({ credential: { type: 'token', token } as const }), 'ok', 'ok'],
    [
      'a token before a certificate',
      () => ({ tls: friend, credential: { type: 'token', token } as const }),
      'ok',
      'ok',
    ],
  ])('lets in %s', async (_, shown, reads, enqueues) => {
    const remote = await connect(shown())
    expect(await codeOf(remote.list({}))).toBe(reads)
    expect(await codeOf(remote.enqueue([{ kind: 'a' }]))).toBe(enqueues)
    await remote.close()
  })

  it.each([
    ['neither', () => ({})],
    ['a certificate of somebody else', () => ({ tls: stranger })],
    ['a certificate that is not named', () => ({ tls: makeCertificate('unnamed', 'authority') })],
  ])('refuses %s', async (name, shown) => {
    const code = name.endsWith('named') ? 'DENIED' : 'UNAUTHENTICATED'
    expect(await codeOf(connect(shown()))).toBe(code)
  })
})
