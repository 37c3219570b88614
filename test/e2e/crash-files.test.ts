/**
 * Files that are not healthy stores, and processes that are in the way: each is answered by name, and leaves what
 * is on the disk as it was.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Life } from '../../crash/life.ts'
import { PerdureError } from '../../src/errors.ts'
import { openEmbedded } from '../../src/server/embedded.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-files-'))
  file = join(folder, 'app.db')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function refusal(path: string): Promise<PerdureError> {
  try {
    const client = await openEmbedded({ store: 'sqlite', path })
    await client.close()
  } catch (error) {
    if (error instanceof PerdureError) return error
    throw error
  }
  throw new Error('expected a refusal, found an open store')
}

/** A store with some jobs, closed. */
async function healthy(path: string): Promise<void> {
  const client = await openEmbedded({ store: 'sqlite', path })
  const jobs = Array.from({ length: 500 }, (_, i) => ({ kind: 'k', input: 'x'.repeat(100), key: `key-${i}` }))
  await client.enqueue(jobs)
  await client.close()
}

/** Starts a process that works on the store; resolves once it has acknowledged something. */
async function startOwner(store: string): Promise<Life> {
  const life = new Life({ program: 'owner', args: [store, join(folder, 'ledger'), '5'] })
  expect(await life.hears(1)).toBe(true)
  return life
}

describe('a file that is refused', () => {
  const files: [string, string, (path: string) => void | Promise<void>][] = [
    ['text', 'STORE_FOREIGN', (path) => writeFileSync(path, 'dear diary\n'.repeat(50))],
    ['a few bytes', 'STORE_FOREIGN', (path) => writeFileSync(path, 'x')],
    [
      'a database of another program',
      'STORE_FOREIGN',
      (path) => {
        const other = new Database(path)
        other.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)')
        other.close()
      },
    ],
    [
      'a store of a newer version',
      'STORE_VERSION',
      async (path) => {
        await healthy(path)
        const newer = new Database(path)
        newer.pragma('user_version = 9999')
        newer.close()
      },
    ],
    [
      'a store that was cut short',
      'STORE_CORRUPT',
      async (path) => {
        await healthy(path)
        truncateSync(path, 8_192)
      },
    ],
    [
      'a store with a damaged schema',
      'STORE_CORRUPT',
      async (path) => {
        await healthy(path)
        const bytes = readFileSync(path)
        bytes.fill(0xa5, 100, 2_000)
        writeFileSync(path, bytes)
      },
    ],
  ]

  it.each(files)('because it is %s', async (_, code, make) => {
    await make(file)
    const before = readFileSync(file)
    const error = await refusal(file)
    expect(error.code).toBe(code)
    expect(error.message).toContain(file)
    expect(readFileSync(file).equals(before)).toBe(true)
    // It is refused the same way again, and is in nobody's way.
    expect((await refusal(file)).code).toBe(code)
    expect(
      readdirSync(folder).filter((name) => /-(wal|shm|journal)$/.test(name) && !name.includes('lock')),
    ).toEqual([])
    rmSync(file)
    await healthy(file)
  })

  it('is found damaged by the check where an opening cannot see it', async () => {
    await healthy(file)
    const bytes = readFileSync(file)
    const page = bytes.readUInt16BE(16)
    // The last pages are those of rows and their indexes.
    bytes.fill(0xff, bytes.length - page, bytes.length - page + 64)
    writeFileSync(file, bytes)
    const client = await openEmbedded({ store: 'sqlite', path: file }).catch((error: PerdureError) => error)
    if (client instanceof PerdureError) {
      expect(client.code).toBe('STORE_CORRUPT')
      return
    }
    const problems = await client.check().catch((error: PerdureError) => [error.code])
    expect(problems.join()).toMatch(/damaged|STORE_CORRUPT/)
    await client.close()
  })
})

describe('a second process', () => {
  it('is told who owns the store, and may have it once that one is dead', async () => {
    const owner = await startOwner(file)
    const error = await refusal(file)
    expect(error.code).toBe('STORE_BUSY')
    expect(error.message).toContain(`process ${owner.pid}`)
    expect(error.message).toContain(file)
    expect(error.data).toMatchObject({ pid: owner.pid })
    expect(error.data.since).toBeTypeOf('number')
    owner.kill('SIGKILL')
    await owner.ended
    const client = await openEmbedded({ store: 'sqlite', path: file })
    expect(await client.check()).toEqual([])
    await client.close()
  })

  it('is refused in the same process as well', async () => {
    const client = await openEmbedded({ store: 'sqlite', path: file })
    expect((await refusal(file)).data).toMatchObject({ pid: process.pid })
    await client.enqueue([{ kind: 'k' }])
    await client.close()
  })
})
