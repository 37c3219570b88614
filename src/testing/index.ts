/**
 * `perdure/testing`: what tests of jobs and workflows import, beside `perdure` itself. No production code does.
 */
export type { Replay } from '../app/replay.ts'
export type { HistoryAttempt, HistoryRow, RunHistory } from '../workflow/history.ts'
export { type Killed, type KillOptions, killAtEveryStep, type Life } from './kill.ts'
export type { Death } from './mortal-store.ts'
export { type FittingReplay, replay } from './replay.ts'
export { type StubRun, stub } from './stub.ts'
export { openTest, TestApp, type TestOptions } from './test-app.ts'
