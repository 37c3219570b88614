/**
 * Perdure: durable jobs for TypeScript. Everything that a program imports.
 */

export { Draft, type DraftOptions, draft, group } from './app/drafts.ts'
export {
  type AskLimit,
  type CancelOptions,
  JobHandle,
  type LogOptions,
  type WaitOptions,
} from './app/handle.ts'
export type { InboxOptions, Question } from './app/inbox.ts'
export { type JobOptions, job, type ResultOf } from './app/job.ts'
export type { RunStream, StreamOptions } from './app/run-stream.ts'
export type { ProcessOptions, WorkOptions } from './app/work.ts'
export { type WorkflowDefinition, type WorkflowOptions, workflow } from './app/workflow.ts'
export {
  App,
  type EnqueueManyOptions,
  type HandlesOf,
  type OpenOptions,
  open,
} from './app.ts'
export type {
  Client,
  ImportedEntry,
  ImportedJob,
  Lease,
  PollRequest,
  Report,
  WorkerInfo,
  WorkerNotice,
  WorkerSession,
} from './client/client.ts'
export type { DefinitionOptions, JobDefinition, UniqueOptions } from './client/definition.ts'
export type { AfterOption, EnqueueOptions, JobReference } from './client/enqueue.ts'
export type {
  RetentionOptions,
  RetryOption,
  RetryOptions,
  SharedOptions,
  TimeoutOption,
  TimeoutOptions,
} from './client/profile-options.ts'
export type * from './client/types.ts'
export type { ForkOptions, WorkflowClient } from './client/workflows.ts'
export type { LogStream, Outcome, StopReason } from './core/model/outcome.ts'
export type { CommandContext, Profile, Retention, RetryPolicy, Timeouts } from './core/model/profile.ts'
export type { JobState } from './core/model/states.ts'
export { ERROR_KINDS, type ErrorCode, type ErrorRecord, PerdureError } from './errors.ts'
export type { Attempt, AttemptControl, Executor } from './executors/executor.ts'
export type { HandlerContext } from './executors/function/context.ts'
export {
  AttemptError,
  cancel,
  type Directive,
  type FailOptions,
  fail,
  fatal,
  retryAfter,
  snooze,
} from './executors/function/directives.ts'
export { createHttpExecutor, type HttpOptions } from './executors/http/http.ts'
export type { HttpInput } from './executors/http/input.ts'
export type { CredentialSource } from './executors/lambda/credentials.ts'
export { createLambdaExecutor, type LambdaOptions } from './executors/lambda/lambda.ts'
export type { AwsCredentials } from './executors/lambda/sign.ts'
export type { ShellInput } from './executors/shell/input.ts'
export { createShellExecutor, type ShellExecutor, type ShellOptions } from './executors/shell/shell.ts'
export type { Clock } from './runtime/clock.ts'
export type { TailFilter } from './runtime/logger/book.ts'
export {
  createLogger,
  type LogControl,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogSink,
} from './runtime/logger/logger.ts'
export type { LogAttributes, LogRecord, LogSource } from './runtime/logger/record.ts'
export { type LineTarget, writeTo } from './runtime/logger/writer.ts'
export { type Duration, formatDuration, parseDuration } from './std/duration.ts'
export type { LogLevel } from './std/levels.ts'
export type { AttemptEndEvent, AttemptEvent, WorkerEvents } from './worker/events.ts'
export type { WorkerOptions } from './worker/options.ts'
export { type DrainOnSignalsOptions, drainOnSignals } from './worker/signals.ts'
export { createWorker, type StopOptions, type Worker, type WorkerState } from './worker/worker.ts'
export type { ChildOptions, Flow } from './workflow/flow.ts'
export type { UpdateOptions } from './workflow/handlers.ts'
export { type HumanNotice, type HumanOptions, rejectAnswer } from './workflow/human.ts'
export type { Outlet } from './workflow/outlet.ts'
export type { StepContext } from './workflow/step.ts'
export type { StepOptions, StepRetry, StepTimeout } from './workflow/step-options.ts'
export { type WebhookOptions, webhook } from './workflow/webhook.ts'
