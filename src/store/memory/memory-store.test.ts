import { storeConformance } from '../conformance.suite.ts'
import { createMemoryStore } from './memory-store.ts'

storeConformance('the memory store', async () => {
  const store = createMemoryStore()
  return { open: async () => store, dispose: () => store.close() }
})
