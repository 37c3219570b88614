/** Where the files of TLS come from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readTlsFiles } from './tls-files.ts'

let folder: string
const at = (name: string) => join(folder, name)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-pem-'))
  for (const name of ['ca', 'cert', 'key']) writeFileSync(at(name), `text of ${name}`)
})
afterAll(() => rmSync(folder, { recursive: true }))

it('options come before the environment', () => {
  const env = { PERDURE_CA: at('none'), PERDURE_CERT: at('cert'), PERDURE_CERT_KEY: at('key') }
  const read = readTlsFiles({ ca: at('ca') }, env)
  expect(read).toEqual({ ca: 'text of ca', cert: 'text of cert', key: 'text of key' })
  expect(readTlsFiles({}, {})).toEqual({})
})

it('says which file is missing, and that a certificate has a key', () => {
  expect(() => readTlsFiles({ ca: at('none') }, {})).toThrow(at('none'))
  expect(() => readTlsFiles({ cert: at('cert') }, {})).toThrow('no key')
  expect(() => readTlsFiles({}, { PERDURE_CERT_KEY: at('key') })).toThrow('no certificate')
})
