/**
 * The services of a node: each procedure of the definition, carried out by the handler of its method.
 *
 * Owns: calls without a connection of their own: they name their worker each time, and answer in JSON to those who ask
 * in JSON. There is no list of procedures here; what the definition has and the table of calls knows is served.
 */
import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import { type ConnectRouter, createContextKey, type HandlerContext } from '@connectrpc/connect'
import { JobService } from '../../protocol/generated/perdure/v1/jobs_pb.ts'
import { NodeService } from '../../protocol/generated/perdure/v1/node_pb.ts'
import { type PollRequest, WorkerService } from '../../protocol/generated/perdure/v1/workers_pb.ts'
import { WorkflowService } from '../../protocol/generated/perdure/v1/workflows_pb.ts'
import { malformed } from '../../protocol/json.ts'
import { assertArguments, type MethodName } from '../../protocol/methods.ts'
import { CALLS, methodOf } from '../../protocol/rpc/calls.ts'
import { type JsonForm, toMessage, toPlain } from '../../protocol/rpc/convert.ts'
import { type Caller, LOOPBACK } from '../auth/caller.ts'
import { HANDLERS, type HandlerContext as MethodContext, perform, strings, workerName } from '../handlers.ts'
import type { Hub, View } from '../hub.ts'
import { statusOf } from './status.ts'

/** Who makes a call, as the listener found out. */
export const CALLER = createContextKey<Caller>(LOOPBACK, { description: 'caller' })

/** Longest wait of one poll, ms: shorter than what proxies on the way give a silent connection. */
const LONGEST_WAIT_MS = 60_000
const DEFAULT_WAIT_MS = 30_000

type Plain = Readonly<Record<string, unknown>>
type Values = readonly unknown[]

/** Adds every service to a router but that of exchanges (exchange.ts). */
export function addServices(router: ConnectRouter, hub: Hub): void {
  for (const service of [JobService, WorkflowService, NodeService, WorkerService]) {
    router.service(service as DescService, implementation(hub, service))
  }
}

function implementation(hub: Hub, service: DescService): Record<string, never> {
  const entries = service.methods.map((procedure) => {
    const method = methodOf(`${service.name}/${procedure.name}`)
    if (method === undefined) throw new Error(`${procedure.name} of ${service.typeName} has no method`)
    const act = procedure.methodKind === 'server_streaming' ? stream : unary
    return [procedure.localName, act(hub, method, procedure)] as const
  })
  return Object.fromEntries(entries) as Record<string, never>
}

function unary(hub: Hub, method: MethodName, { input, output }: DescMethod) {
  const { fromRequest, toResponse, keepsText = false } = CALLS[method]
  const isOfWorker = method === 'openWorker' || method.startsWith('session.')
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    try {
      const values = fromRequest(toPlain(input, request, { keepsText }))
      const answer = isOfWorker
        ? await ofWorker(hub, method, values, request, context)
        : await performUnary(contextOf(hub, method, values, context), method, values)
      return toMessage(output, toResponse(answer as never), '', formOf(context))
    } catch (error) {
      throw statusOf(error, hub.logger)
    }
  }
}

function performUnary(context: UnaryContext, method: MethodName, values: Values): unknown {
  const act = async () => perform(method, context, values)
  return method === 'list' ? context.inTurn(act) : act()
}

function stream(hub: Hub, method: MethodName, { input, output }: DescMethod) {
  const { fromRequest, toResponse } = CALLS[method]
  return async function* (request: Message, context: HandlerContext): AsyncGenerator<Message> {
    try {
      const values = fromRequest(toPlain(input, request))
      const items = HANDLERS[method](contextOf(hub, method, values, context), values) as AsyncIterable<Plain>
      for await (const item of items) yield toMessage(output, toResponse(item as never), '', formOf(context))
    } catch (error) {
      throw statusOf(error, hub.logger)
    }
  }
}

type UnaryContext = MethodContext & Pick<View, 'inTurn'>

/** Checks the call, and makes what its handler needs. */
function contextOf(hub: Hub, method: MethodName, values: Values, context: HandlerContext): UnaryContext {
  const caller = context.values.get(CALLER)
  const view = hub.viewOf(caller)
  view.authorize(method, values)
  assertArguments(method, values)
  view.allowance.pay(method, values)
  return { ...view, signal: signalOf(caller, context), adopt: withoutConnection }
}

/** Ends with the request, and with the credential that it was made with. */
function signalOf({ ended }: Caller, { signal }: HandlerContext): AbortSignal {
  return ended === undefined ? signal : AbortSignal.any([signal, ended])
}

function withoutConnection(): never {
  throw new Error('only a connection can adopt a session')
}

function ofWorker(
  hub: Hub,
  method: MethodName,
  [worker, ...values]: Values,
  request: Message,
  context: HandlerContext,
): Promise<unknown> {
  if (typeof worker === 'number') throw malformed('the worker by its name', 'a number outside of an exchange')
  const isOpening = method === 'openWorker'
  // checked before there is a session, which has no number yet
  const handler = contextOf(hub, method, [isOpening ? worker : 0, ...values], context)
  const name = workerName(worker)
  if (isOpening) {
    return handler.sessions.serve(name, async (session) => {
      session.reconcile(strings((values[0] as Plain).held))
      return session.number
    })
  }
  return handler.sessions.serve(name, async ({ number }) => {
    const all = [number, ...values]
    const signal = method === 'session.poll' ? waitOf(request as PollRequest, handler.signal) : handler.signal
    return HANDLERS[method]({ ...handler, signal }, all)
  })
}

function waitOf({ waitMs = DEFAULT_WAIT_MS }: PollRequest, signal: AbortSignal): AbortSignal {
  const ms = Math.min(Math.max(0, Math.ceil(waitMs) || 0), LONGEST_WAIT_MS)
  return AbortSignal.any([signal, AbortSignal.timeout(ms)])
}

/** JSON is answered to those who ask in JSON. */
function formOf({ requestHeader, url }: HandlerContext): JsonForm {
  const type = requestHeader.get('content-type') ?? new URL(url).searchParams.get('encoding') ?? ''
  return type.includes('json') ? 'value' : 'text'
}
