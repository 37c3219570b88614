/** TLS and client certificates, with keys that are made for the test. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client/client.ts'
import { connectNode } from '../../client/remote/dial-node.ts'
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
