/**
 * Who may call what, over every door of a real node. The methods are read from the definitions: a new one fails here until
 * it is in the table below, which is written by hand and not made from the one that it checks.
 */
import { create, type DescMethod } from '@bufbuild/protobuf'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Channel } from '../../client/remote/channel.ts'
import { nodeDoor } from '../../client/remote/dial-node.ts'
import { ROLES, type Role } from '../../config/grant.ts'
import { PerdureError } from '../../errors.ts'
import { file_perdure_v1_jobs } from '../../protocol/generated/perdure/v1/jobs_pb.ts'
import { file_perdure_v1_node } from '../../protocol/generated/perdure/v1/node_pb.ts'
import { file_perdure_v1_workers } from '../../protocol/generated/perdure/v1/workers_pb.ts'
import { file_perdure_v1_workflows } from '../../protocol/generated/perdure/v1/workflows_pb.ts'
import { METHODS, type MethodName } from '../../protocol/methods.ts'
import { methodOf } from '../../protocol/rpc/calls.ts'
import { Meter } from '../metrics/meter.ts'
import { NEEDED, PAGES, WHOLE } from './rights.ts'
import { GuardedNode } from './testdata/guarded-node.ts'

/** Roles that may call each procedure, and whether a caller who is bound to a namespace may. */
const TABLE: Readonly<Record<string, readonly [roles: readonly Role[], bound: 'bound' | 'whole']>> = {
  'JobService/Enqueue': [['admin', 'producer'], 'bound'],
  'JobService/Import': [['admin'], 'bound'],
  'JobService/Get': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'JobService/List': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'JobService/Counts': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'JobService/Control': [['admin', 'operator'], 'bound'],
  'JobService/Wait': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'JobService/Watch': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'JobService/Logs': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'JobService/Dependents': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'JobService/PauseQueue': [['admin', 'operator'], 'whole'],
  'WorkflowService/Signal': [['admin', 'operator', 'producer'], 'bound'],
  'WorkflowService/Query': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'WorkflowService/Update': [['admin', 'operator', 'producer'], 'bound'],
  'WorkflowService/Fork': [['admin', 'operator'], 'bound'],
  'WorkflowService/Follow': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'WorkflowService/Journal': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'NodeService/GetPosition': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'NodeService/Info': [['admin', 'operator', 'producer', 'reader'], 'whole'],
  'NodeService/Check': [['admin'], 'whole'],
  'NodeService/Tail': [['admin', 'operator', 'producer', 'reader'], 'whole'],
  'WorkerService/ListWorkers': [['admin', 'operator', 'producer', 'reader'], 'bound'],
  'WorkerService/Open': [['admin', 'worker'], 'whole'],
  'WorkerService/Poll': [['admin', 'worker'], 'whole'],
  'WorkerService/Report': [['admin', 'worker'], 'whole'],
  'WorkerService/Heartbeat': [['admin', 'worker'], 'whole'],
  'WorkerService/WriteJournal': [['admin', 'worker'], 'whole'],
  'WorkerService/ReadJournal': [['admin', 'worker'], 'whole'],
  'WorkerService/Answer': [['admin', 'worker'], 'whole'],
  'WorkerService/Log': [['admin', 'worker'], 'whole'],
  'WorkerService/Progress': [['admin', 'worker'], 'whole'],
  'WorkerService/Record': [['admin', 'worker'], 'whole'],
  'WorkerService/Describe': [['admin', 'worker'], 'whole'],
  'WorkerService/Close': [['admin', 'worker'], 'whole'],
}

const worker = { name: 'w', host: 'h', pid: 1, instance: 'i' }
const NOBODY = 999

/** Arguments that get past the check of their form, so that what refuses a call is the check of its caller. */
const VALUES: Readonly<Record<MethodName, readonly unknown[]>> = {
  enqueue: [{ jobs: [], options: [] }, {}],
  import: [[]],
  get: [NOBODY],
  list: [{}],
  counts: [null],
  control: [NOBODY, { verb: 'hold' }],
  wait: [NOBODY],
  watch: [{}],
  logs: [NOBODY, {}],
  pauseQueue: ['q', false],
  dependents: [NOBODY, null],
  'workflows.signal': [NOBODY, 'name', {}],
  'workflows.query': [NOBODY, 'name', {}],
  'workflows.update': [NOBODY, 'name', {}],
  'workflows.fork': [NOBODY, {}],
  'workflows.follow': [NOBODY, 'name', {}],
  'workflows.journal': [NOBODY, null],
  openWorker: [worker, { held: [] }],
  workers: [],
  position: [],
  info: [],
  check: [],
  tail: [{}],
  'session.poll': [NOBODY, { queues: ['q'], kinds: ['k'], slots: 1, once: true }],
  'session.report': [NOBODY, [], ''],
  'session.heartbeat': [NOBODY, []],
  'session.workflows.record': [NOBODY, 't', 0, [], ''],
  'session.workflows.answer': [NOBODY, 't', null],
  'session.workflows.journal': [NOBODY, 't', 0],
  'session.log': [NOBODY, [], ''],
  'session.progress': [NOBODY, 't', 0.5, null],
  'session.record': [NOBODY, []],
  'session.tell': [NOBODY, {}],
  'session.close': [NOBODY],
}

const FILES = [file_perdure_v1_jobs, file_perdure_v1_node, file_perdure_v1_workers, file_perdure_v1_workflows]
const procedures = FILES.flatMap(({ services }) => services.flatMap(({ methods }) => methods))
const nameOf = ({ parent, name }: DescMethod): string => `${parent.name}/${name}`
/** An exchange carries the others and may be opened by everybody who is known. */
const called = procedures.filter((procedure) => nameOf(procedure) !== 'ExchangeService/Exchange')

/** What a caller of each kind shows; `bound` is an admin of one namespace. */
const CALLERS = [...ROLES, 'admin in acme'] as const
type CallerName = (typeof CALLERS)[number]

function isAllowed(procedure: string, caller: CallerName): boolean {
  const [roles, bound] = TABLE[procedure] ?? [[], 'whole']
  return caller === 'admin in acme' ? bound === 'bound' : roles.includes(caller)
}

let node: GuardedNode

beforeAll(async () => {
  node = await GuardedNode.start(CALLERS, { meter: new Meter() })
})
afterAll(() => node.close())

/** How long a stream that is let in is looked at, ms: it would go on for ever. */
const STREAM_MS = 500
/** Everything else is answered, however busy the machine is, ms. */
const ANSWER_MS = 20_000

/** The code of a call's refusal; `ok` for one that was let in, whatever became of it then. */
async function codeOf(
  transport: Transport,
  procedure: DescMethod,
  headers: Record<string, string>,
  isExpected = false,
): Promise<string> {
  const message = create(procedure.input)
  const { methodKind } = procedure
  const timeoutMs = isExpected && methodKind !== 'unary' ? STREAM_MS : ANSWER_MS
  try {
    if (methodKind === 'unary')
      await transport.unary(procedure as never, undefined, timeoutMs, headers, message)
    else {
      const messages = (async function* () {
        yield message
      })()
      const answer = await transport.stream(procedure as never, undefined, timeoutMs, headers, messages)
      for await (const _ of answer.message) break
    }
    return 'ok'
  } catch (error) {
    const { code } = ConnectError.from(error)
    return code === Code.PermissionDenied || code === Code.Unauthenticated ? Code[code] : 'ok'
  }
}

const transports = {
  'HTTP with JSON': () =>
    createConnectTransport({ baseUrl: node.served.url, httpVersion: '1.1', useBinaryFormat: false }),
  gRPC: () => createGrpcTransport({ baseUrl: node.served.url }),
}

describe('the table', () => {
  it('has every procedure of the definitions, and no other', () => {
    expect(called.map(nameOf).sort()).toEqual(Object.keys(TABLE).sort())
  })

  it('has every method of the wire behind it', () => {
    expect(called.map((procedure) => methodOf(nameOf(procedure))).sort()).toEqual(Object.keys(METHODS).sort())
    expect(Object.keys(NEEDED).sort()).toEqual(Object.keys(METHODS).sort())
    for (const method of WHOLE) expect(METHODS).toHaveProperty([method])
  })
})

describe.each(Object.entries(transports))('over %s', (_, open) => {
  it.each(called.map((procedure) => [nameOf(procedure), procedure] as const))(
    '%s',
    async (name, procedure) => {
      const transport = open()
      const expected = CALLERS.map((caller) => [caller, isAllowed(name, caller) ? 'ok' : 'PermissionDenied'])
      const found = await Promise.all(
        CALLERS.map(async (caller) => {
          const code = await codeOf(transport, procedure, node.headers(caller), isAllowed(name, caller))
          return [caller, code]
        }),
      )
      expect(found).toEqual(expected)
      expect(await codeOf(transport, procedure, {})).toBe('Unauthenticated')
    },
  )
})

describe('over an exchange', () => {
  const methods = Object.entries(METHODS).filter(([, { form }]) => form !== 'tell')

  it.each(CALLERS)('%s', async (caller) => {
    const credential = { type: 'token', token: node.token(caller) } as const
    const channel = new Channel(nodeDoor({ url: node.served.url, credential }), {})
    await channel.open()
    for (const [name, { form }] of methods) {
      const method = name as MethodName
      const procedure = nameOf(called.find((one) => methodOf(nameOf(one)) === method) as DescMethod)
      const outcome = await outcomeOf(channel, method, form)
      expect([method, outcome === 'DENIED']).toEqual([method, !isAllowed(procedure, caller)])
    }
    channel.close()
  })

  it('is not opened without a token', async () => {
    const channel = new Channel(nodeDoor({ url: node.served.url }), {})
    await expect(channel.open()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  async function outcomeOf(channel: Channel, method: MethodName, form: string): Promise<string> {
    const values = VALUES[method]
    try {
      if (form === 'call') await channel.call(method, values)
      else {
        const stop = new AbortController()
        const stream = channel.stream(method, values, stop.signal)
        // refusals arrive in order: after this answer there is either one or there will be none
        await channel.call('session.close', [NOBODY]).catch(() => {})
        const first = stream.next()
        stop.abort()
        await first
      }
      return 'ok'
    } catch (error) {
      return error instanceof PerdureError ? error.code : String(error)
    }
  }
})

describe('pages', () => {
  const READERS: readonly CallerName[] = ['admin', 'operator', 'producer', 'reader']

  it.each(Object.keys(PAGES))('%s', async (path) => {
    const isOpen = path !== '/metrics'
    for (const caller of CALLERS) {
      const { status } = await fetch(`${node.served.url}${path}`, { headers: node.headers(caller) })
      expect([caller, status]).toEqual([caller, isOpen || READERS.includes(caller) ? 200 : 403])
    }
    expect((await fetch(`${node.served.url}${path}`)).status).toBe(isOpen ? 200 : 401)
  })

  it.each(['/', '/nothing', '/perdure.v1.JobService', '/perdure.v1.JobService/Nothing'])(
    '%s is not told about without a token',
    async (path) => {
      expect((await fetch(`${node.served.url}${path}`)).status).toBe(401)
      const headers = node.headers('admin')
      expect((await fetch(`${node.served.url}${path}`, { headers })).status).toBe(404)
    },
  )
})
