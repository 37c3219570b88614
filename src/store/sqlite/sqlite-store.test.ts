import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '../conformance.suite.ts'
import type { Store } from '../store.ts'
import { createSqliteStore } from './sqlite-store.ts'

storeConformance('the SQLite store in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-store-'))
  const stores: Store[] = []
  return {
    open: async () => {
      const store = createSqliteStore({ path: join(folder, 'app.db') })
      stores.push(store)
      return store
    },
    dispose: async () => {
      for (const store of stores) await store.close()
      rmSync(folder, { recursive: true })
    },
  }
})

storeConformance(
  'the SQLite store in memory',
  async () => {
    const store = createSqliteStore({ path: ':memory:' })
    return { open: async () => store, dispose: () => store.close() }
  },
  { keepsData: false },
)
