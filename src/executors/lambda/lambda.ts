/**
 * Runs attempts as calls of a function of AWS Lambda, and waits for what it gives.
 *
 * Owns: the call, and what an answer of the service means. It speaks the service's own protocol (Invoke, signed) and needs no library of theirs.
 */
import type { Outcome } from '../../core/model/outcome.ts'
import { perdureError } from '../../errors.ts'
import { Outbound, type OutboundAnswer } from '../../runtime/outbound.ts'
import { type Duration, parseDuration } from '../../std/duration.ts'
import { checkKnown, nonEmptyText } from '../../std/options.ts'
import {
  CallExecutor,
  type Caller,
  failure,
  httpUrl,
  jsonOrText,
  readRetryAfter,
  throttled,
} from '../call/call.ts'
import type { Attempt, AttemptControl, Executor } from '../executor.ts'
import { type CredentialSource, credentialsOf } from './credentials.ts'
import { type AwsCredentials, signRequest } from './sign.ts'

/** The options of {@link createLambdaExecutor}. */
export interface LambdaOptions {
  /** The name of the function, or its ARN. */
  readonly functionName: string
  /** A version or an alias. Default: the latest. */
  readonly qualifier?: string
  /** Default: AWS_REGION or AWS_DEFAULT_REGION of the environment. */
  readonly region?: string
  /** Default: AWS_ACCESS_KEY_ID and its like; else what `@aws-sdk/credential-providers` finds, if that is installed. */
  readonly credentials?: AwsCredentials | CredentialSource
  /** Another address of the service, such as one of your own network. Default: that of the region. */
  readonly endpoint?: string
  /** How long a call may take. Default 15 min 30 s, a little more than a function may; the job's own time limits hold besides. */
  readonly timeout?: Duration
}

const KNOWN = ['functionName', 'qualifier', 'region', 'credentials', 'endpoint', 'timeout']
/** The service answers with 6 MB at most, and some more in an error. */
const MOST_ANSWER = 7 * 1_048_576

/**
 * Makes an executor that calls a function of AWS Lambda with the input of the job as its event. What it returns is the result. What
 * it throws fails the attempt, which is tried again as the job's policy says; a throttled call, which ran nothing, is made again
 * later and burns no attempt; what is wrong with the call itself (no such function, no permission, too large) is final.
 *
 * @throws INVALID_OPTION, INVALID_DURATION.
 */
export function createLambdaExecutor(options: LambdaOptions): Executor {
  checkKnown('createLambdaExecutor', options, KNOWN)
  return new CallExecutor(new LambdaCaller(options))
}

class LambdaCaller implements Caller {
  readonly name = 'lambda'
  readonly #url: URL
  readonly #what: string
  readonly #region: string
  readonly #credentials: CredentialSource
  readonly timeoutMs: number
  readonly outbound = new Outbound({ to: 'any' })

  constructor(options: LambdaOptions) {
    const { functionName, qualifier, credentials, timeout = '15m30s' } = options
    const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
    this.#what = nonEmptyText('lambda functionName', functionName)
    this.#region = nonEmptyText('lambda region', options.region ?? AWS_REGION ?? AWS_DEFAULT_REGION)
    const endpoint = httpUrl(
      'lambda endpoint',
      options.endpoint ?? `https://lambda.${this.#region}.amazonaws.com`,
    )
    this.#url = new URL(`/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`, endpoint)
    if (qualifier !== undefined) this.#url.searchParams.set('Qualifier', qualifier)
    this.#credentials =
      typeof credentials === 'object' ? () => credentials : (credentials ?? credentialsOf(process.env))
    this.timeoutMs = Math.max(1, parseDuration(timeout, 'lambda timeout'))
  }

  async call(attempt: Attempt, control: AttemptControl, signal: AbortSignal): Promise<Outcome> {
    const body = JSON.stringify(attempt.input ?? null)
    const headers = { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' }
    const call = { method: 'POST', url: this.#url, headers, body }
    const who = await this.#credentials()
    const signed = signRequest({ ...call, region: this.#region, service: 'lambda' }, who, Date.now())
    const answer = await this.outbound.send({ ...call, headers: signed, signal, most: MOST_ANSWER })
    return this.#outcomeOf(answer, attempt, control)
  }

  #outcomeOf(answer: OutboundAnswer, attempt: Attempt, control: AttemptControl): Outcome {
    const { status, headers } = answer
    if (status === 200)
      return headers['x-amz-function-error'] === undefined
        ? { type: 'succeeded', result: jsonOrText(answer.body) }
        : failure(functionError(jsonOrText(answer.body), this.#what))
    const code = `${headers['x-amzn-errortype'] ?? ''}`.replace(/[:#].*/s, '')
    if (status === 429) {
      const retryAfterMs = readRetryAfter(headers['retry-after'], Date.now())
      return throttled(attempt, control, { what: `${this.#what} (${code})`, retryAfterMs })
    }
    return failure(serviceError(answer, code, this.#what), status >= 500 || PASSING.has(code))
  }
}

/** What is refused now and may be taken later, though its status says that the request is wrong. */
const PASSING: ReadonlySet<string> = new Set([
  ...['ExpiredTokenException', 'ResourceConflictException', 'ResourceNotReadyException'],
])

/** What a function throws comes as its message, type and trace. */
function functionError(payload: unknown, what: string) {
  const { errorMessage, errorType, trace } = (payload ?? {}) as Record<string, unknown>
  const message = typeof errorMessage === 'string' ? errorMessage : JSON.stringify(payload)
  if (errorType === 'Sandbox.Timedout' || /Task timed out after/.test(message)) {
    return perdureError('TIMEOUT', {
      expected: `the function ${what} to end within its own time limit`,
      found: message,
      fix: 'Give the function more time, or less to do',
    })
  }
  const error = new Error(message)
  error.name = typeof errorType === 'string' ? errorType : 'FunctionError'
  if (Array.isArray(trace)) error.stack = trace.join('\n')
  return error
}

function serviceError({ status, body }: OutboundAnswer, code: string, what: string) {
  const isDenied = status === 401 || status === 403
  const ofRequest = isDenied ? 'DENIED' : status === 404 ? 'NOT_FOUND' : 'INVALID_INPUT'
  return perdureError(status >= 500 ? 'UNAVAILABLE' : ofRequest, {
    expected: `AWS Lambda to call the function ${what}`,
    found: `${status} ${code}: ${body.toString('utf8').slice(0, 500).trim()}`,
    fix: isDenied ? 'Check the credentials and the policy of the function' : 'See what the service says',
    data: { status, code },
  })
}
