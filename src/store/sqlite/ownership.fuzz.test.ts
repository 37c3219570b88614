/** What stands beside and at the head of a file: any bytes are understood, or refused by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { json, nearly, outcomeOf, RUNS, text } from '../../std/testdata/fuzz.ts'
import { fc } from '../../std/testdata/properties.ts'
import { checkHeader } from './connection.ts'
import { Ownership } from './ownership.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-owner-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('a store that is owned is busy, whatever its owner is said to be', () => {
  const path = join(folder, 'app.db')
  const owner = Ownership.take(path, null)
  const info = nearly({ pid: fc.nat(), since: fc.nat(), socket: text }, json)
  const content = fc.oneof(
    fc.uint8Array(),
    fc.oneof(info, json).map((value) => JSON.stringify(value)),
  )
  try {
    fc.assert(
      fc.property(content, (bytes) => {
        writeFileSync(`${path}-owner`, bytes)
        expect(outcomeOf(() => Ownership.take(path, null))).toEqual({ code: 'STORE_BUSY' })
      }),
      RUNS,
    )
  } finally {
    owner.release()
  }
})

it('a file of other bytes is not a store', () => {
  const path = join(folder, 'other')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.boolean(), (bytes, isDatabase) => {
      const head = isDatabase ? Buffer.from('SQLite format 3\0') : Buffer.alloc(0)
      writeFileSync(path, Buffer.concat([head, bytes]))
      expect(outcomeOf(() => checkHeader(path))).toEqual({ code: 'STORE_FOREIGN' })
    }),
    RUNS,
  )
})
