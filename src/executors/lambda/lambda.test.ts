/**
 * Calls of AWS Lambda, against a server on this machine that answers as the documentation of the service says that it
 * does. The service itself is called by no test.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Answer, StandIn } from '../call/testdata/stand-in.ts'
import { start } from '../executor.suite.ts'
import { credentialsOf } from './credentials.ts'
import { createLambdaExecutor, type LambdaOptions } from './lambda.ts'
import { signRequest } from './sign.ts'

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

it('signs as the examples of the service do', () => {
  const request = {
    ...{ method: 'GET', url: new URL('https://example.amazonaws.com/'), headers: {}, body: '' },
    ...{ region: 'us-east-1', service: 'service' },
  }
  const { authorization } = signRequest(request, credentials, Date.UTC(2015, 7, 30, 12, 36))
  expect(authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      'SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  )
})

describe('a function', () => {
  let server: StandIn
  beforeEach(async () => {
    server = await StandIn.open()
  })
  afterEach(() => server.close())

  function call(input: unknown, answer: Answer, options: Partial<LambdaOptions> = {}) {
    server.answers = [answer]
    const own = { functionName: 'resize', region: 'eu-west-1', credentials, endpoint: server.url }
    return start(server.serve(createLambdaExecutor({ ...own, ...options })), { kind: 'resize', input })
  }

  it('is called by name, signed, and gives its result', async () => {
    const options = { qualifier: 'live', credentials: { ...credentials, sessionToken: 'for a while' } }
    const { done } = call({ width: 200 }, { body: '{"path":"out.png"}' }, options)
    expect(await done).toEqual({ type: 'succeeded', result: { path: 'out.png' } })
    const [sent] = server.sent
    expect(sent).toMatchObject({
      method: 'POST',
      path: '/2015-03-31/functions/resize/invocations?Qualifier=live',
      body: '{"width":200}',
      headers: { 'x-amz-invocation-type': 'RequestResponse', 'x-amz-security-token': 'for a while' },
    })
    const { authorization, host, 'x-amz-date': date } = sent?.headers ?? {}
    const [, year, month, day, hour, minute, second] = /^(\d{4})(..)(..)T(..)(..)(..)Z$/.exec(`${date}`) ?? []
    const signed = signRequest(
      {
        ...{ method: 'POST', url: new URL(`http://${host}${sent?.path}`), body: '{"width":200}' },
        headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' },
        ...{ region: 'eu-west-1', service: 'lambda' },
      },
      options.credentials,
      Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`),
    )
    expect(authorization).toBe(signed.authorization)
  })

  it('may give nothing', async () => {
    expect(await call(undefined, { body: '' }).done).toEqual({ type: 'succeeded', result: null })
    expect(server.sent[0]?.body).toBe('null')
  })

  it('that throws fails the attempt, and the policy decides', async () => {
    const body = JSON.stringify({
      errorMessage: 'no such image',
      errorType: 'NotFound',
      trace: ['at resize'],
    })
    const outcome = await call(1, { headers: { 'x-amz-function-error': 'Unhandled' }, body }).done
    expect(outcome).toEqual({
      type: 'failed',
      error: { code: 'HANDLER_FAILED', message: 'no such image', stack: 'at resize' },
    })
    const strange = await call(1, { headers: { 'x-amz-function-error': 'Handled' }, body: '"oh"' }).done
    expect(strange).toMatchObject({ type: 'failed', error: { message: '"oh"' } })
  })

  it('that runs out of its time is told from one that fails', async () => {
    const body = JSON.stringify({ errorMessage: '2030-01-01 x Task timed out after 3.00 seconds' })
    const outcome = await call(1, { headers: { 'x-amz-function-error': 'Unhandled' }, body }).done
    expect(outcome).toMatchObject({ type: 'failed', error: { code: 'TIMEOUT' } })
    expect(outcome).not.toHaveProperty('retry')
  })

  it('that is throttled ran nothing, and burns no attempt', async () => {
    const headers = { 'x-amzn-errortype': 'TooManyRequestsException:http://internal', 'retry-after': '3' }
    const { control, done } = call(1, { status: 429, headers, body: '{"Reason":"CallerRateLimitExceeded"}' })
    expect(await done).toEqual({ type: 'snoozed', delayMs: 3_000 })
    expect(control.text('log')).toContain('resize (TooManyRequestsException) has too much to do; again in 3s')
  })

  it.each([
    [404, 'ResourceNotFoundException', 'NOT_FOUND', false],
    [403, 'AccessDeniedException', 'DENIED', false],
    [413, 'RequestTooLargeException', 'INVALID_INPUT', false],
    [400, 'InvalidRequestContentException', 'INVALID_INPUT', false],
    [403, 'ExpiredTokenException', 'DENIED', undefined],
    [409, 'ResourceConflictException', 'INVALID_INPUT', undefined],
    [500, 'ServiceException', 'UNAVAILABLE', undefined],
    [502, 'ResourceNotReadyException', 'UNAVAILABLE', undefined],
  ] as const)('an answer of %s %s', async (status, type, code, retry) => {
    const outcome = await call(1, { status, headers: { 'x-amzn-errortype': type }, body: '{"Message":"no"}' })
      .done
    expect(outcome).toMatchObject({ type: 'failed', error: { code, data: { status, code: type } } })
    expect((outcome as { retry?: boolean }).retry).toBe(retry)
  })

  it('that takes too long is given up', async () => {
    expect(await call(1, { hangs: true }, { timeout: '20ms' }).done).toMatchObject({
      error: { code: 'TIMEOUT' },
    })
  })

  it('credentials that cannot be had fail the attempt', async () => {
    const none = () => Promise.reject(new Error('the role is gone'))
    expect(await call(1, {}, { credentials: none }).done).toMatchObject({
      error: { message: 'the role is gone' },
    })
  })
})

it('credentials are those of the environment, or of the library of AWS, if it is there', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  expect(await credentialsOf(env)()).toEqual({ accessKeyId: 'a', secretAccessKey: 'b' })
  expect(await credentialsOf({ ...env, AWS_SESSION_TOKEN: 'c' })()).toMatchObject({ sessionToken: 'c' })
  await expect(credentialsOf({})()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

it('the region is that of the environment, and options that make no sense are refused', () => {
  vi.stubEnv('AWS_REGION', undefined)
  vi.stubEnv('AWS_DEFAULT_REGION', undefined)
  try {
    for (const wrong of [{}, { region: 'x', endpoint: 'ftp://a.example' }, { region: 'x', name: 'y' }])
      expect(() => createLambdaExecutor({ functionName: 'f', ...wrong } as LambdaOptions)).toThrow(/expected/)
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    expect(createLambdaExecutor({ functionName: 'f' }).name).toBe('lambda')
  } finally {
    vi.unstubAllEnvs()
  }
})
