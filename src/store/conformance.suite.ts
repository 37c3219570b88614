/**
 * The conformance suite: what every store must do, sentence by sentence of the interface.
 */
import { describe } from 'vitest'
import { appendsSuite } from './conformance/appends.suite.ts'
import { blobsSuite } from './conformance/blobs.suite.ts'
import { historiesSuite } from './conformance/histories.suite.ts'
import { jobsSuite } from './conformance/jobs.suite.ts'
import { journalSuite } from './conformance/journal.suite.ts'
import { linesSuite } from './conformance/lines.suite.ts'
import { listsSuite } from './conformance/lists.suite.ts'
import { ownershipSuite } from './conformance/ownership.suite.ts'
import { readsSuite } from './conformance/reads.suite.ts'
import type { MakeStore, StoreTraits } from './conformance/subject.suite.ts'
import { tablesSuite } from './conformance/tables.suite.ts'

/**
 * Defines the tests of one kind of store.
 *
 * @param name How the tests are headed.
 * @param makeStore Makes an empty store, for each test anew.
 * @param traits What this kind of store cannot do; default: it can do everything.
 */
export function storeConformance(name: string, makeStore: MakeStore, traits: StoreTraits = {}): void {
  describe(name, () => {
    ownershipSuite(makeStore, traits)
    jobsSuite(makeStore)
    linesSuite(makeStore)
    tablesSuite(makeStore)
    appendsSuite(makeStore)
    journalSuite(makeStore)
    blobsSuite(makeStore, traits)
    listsSuite(makeStore)
    readsSuite(makeStore)
    historiesSuite(makeStore, traits)
  })
}
