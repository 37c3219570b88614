/**
 * What every client must do, embedded or remote, whatever the store: one suite, in parts.
 */
import { describe } from 'vitest'
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
import { type OpenFixture, useWorld } from './conformance/world.suite.ts'

/** Runs the suite against the clients that `open` makes; `isBig` adds what takes seconds. */
export function clientConformance(name: string, open: OpenFixture, traits: { isBig?: boolean } = {}): void {
  describe(name, () => {
    const world = useWorld(open)
    describe('enqueue', () => enqueueTests(world))
    describe('keys', () => keyTests(world))
    describe('attempts', () => attemptTests(world))
    describe('time', () => timeTests(world))
    describe('control', () => controlTests(world))
    describe('dependencies', () => dependencyTests(world))
    describe('limits and fairness', () => limitTests(world))
    describe('reads', () => readTests(world))
    describe('workers', () => workerTests(world))
    describe('logs', () => logTests(world))
    describe('placement', () => placementTests(world))
    describe('workflow runs', () => workflowTests(world))
    describe('refusals', () => refusalTests(world))
  })
  if (traits.isBig !== true) return
  describe(`${name}, at size`, () => sizeTests(useWorld(open)))
}
