/**
 * What every client must do, embedded or remote, whatever the store: one suite, in parts.
 */
import { afterAll, describe } from 'vitest'
import { attemptTests } from './conformance/attempts.suite.ts'
import { controlTests } from './conformance/control.suite.ts'
import { dependencyTests } from './conformance/dependencies.suite.ts'
import { enqueueTests } from './conformance/enqueue.suite.ts'
import { keyTests } from './conformance/keys.suite.ts'
import { limitTests } from './conformance/limits.suite.ts'
import { logTests } from './conformance/logs.suite.ts'
import { placementTests } from './conformance/placement.suite.ts'
import { readTests } from './conformance/reads.suite.ts'
import { refusalTests } from './conformance/refusals.suite.ts'
import { sizeTests } from './conformance/size.suite.ts'
import { timeTests } from './conformance/time.suite.ts'
import { workerTests } from './conformance/workers.suite.ts'
import { workflowTests } from './conformance/workflows.suite.ts'
import { type OpenFixture, useWorld, type World } from './conformance/world.suite.ts'

const PARTS: Readonly<Record<string, (world: World) => void>> = {
  enqueue: enqueueTests,
  keys: keyTests,
  attempts: attemptTests,
  time: timeTests,
  control: controlTests,
  dependencies: dependencyTests,
  'limits and fairness': limitTests,
  reads: readTests,
  workers: workerTests,
  logs: logTests,
  placement: placementTests,
  'workflow runs': workflowTests,
  refusals: refusalTests,
}

/** What is particular about a client. */
interface Traits {
  /** Adds what takes seconds. */
  readonly isBig?: boolean
  /** Its store is a database, of which a whole look is not cheap. */
  readonly isDatabase?: boolean
}

/** Runs the suite against the clients that `open` makes. */
export function clientConformance(
  name: string,
  open: OpenFixture,
  { isBig = false, isDatabase = false }: Traits = {},
): void {
  describe(name, () => {
    const world = useWorld(open, !isDatabase)
    for (const [part, tests] of Object.entries(PARTS)) {
      describe(part, () => {
        afterAll(() => world.check())
        tests(world)
      })
    }
  })
  if (!isBig) return
  describe(`${name}, at size`, () => {
    const world = useWorld(open, false)
    afterAll(() => world.check())
    sizeTests(world)
  })
}
