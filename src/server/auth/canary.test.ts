/**
 * What must not leave: stacks, SQL and secrets, in whatever a node says to whomever.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client/client.ts'
import { connectNode } from '../../client/remote/dial-node.ts'
import { parseGrant } from '../../config/grant.ts'
import { createLogger } from '../../runtime/logger/logger.ts'
import { openEmbedded } from '../embedded.ts'
import { Meter } from '../metrics/meter.ts'
import { startNode } from '../node.ts'
import { createToken } from './tokens.ts'

const CANARY = 'canary-91ab77'
/** What an error of a database, a stack or a path of this program looks like. */
const LEAKS =
  /\bat .+:\d+:\d+|\.ts:\d|node_modules|SqliteError|\b(SELECT|INSERT|UPDATE|DELETE)\b .*\b(FROM|INTO|SET)\b/

let folder: string
let token: string
const said: string[] = []
let client: Client
let served: Awaited<ReturnType<typeof startNode>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-canary-'))
  const tokenFile = join(folder, 'tokens')
  const grant = parseGrant('x', 'admin')
  token = (await createToken(tokenFile, { grant, label: 'admin', now: Date.now() })).token
  const meter = new Meter()
  client = await openEmbedded({ store: 'sqlite', path: join(folder, 'p.db'), meter })
  const broken = new Proxy(client, {
    get: (target, name) =>
      name === 'position'
        ? () => Promise.reject(new TypeError(`SqliteError: SELECT ${CANARY} FROM jobs`))
        : (Reflect.get(target, name) as (...values: unknown[]) => unknown).bind(target),
  })
  const sinks = [(record: unknown) => void said.push(JSON.stringify(record))]
  const { logger } = createLogger({ level: 'debug', source: 'node', sinks })
  served = await startNode(broken, { port: 0, tokenFile, meter, logger })
})

afterAll(async () => {
  await served.close()
  await client.close()
  rmSync(folder, { recursive: true })
})

async function post(path: string, body: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${served.url}/perdure.v1.${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body,
  })
  return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
}

const calls: Record<string, [path: string, body: string, headers?: Record<string, string>]> = {
  'a bug': ['NodeService/GetPosition', '{}'],
  'a job that is not there': ['JobService/Get', '{"id":77}'],
  'a hostile name': ['JobService/Enqueue', `{"jobs":[{"kind":"';-- SELECT"}]}`],
  'no JSON': ['JobService/Get', '{'],
  'an unknown field': ['JobService/Get', '{"ID":1}'],
  'a malformed worker': ['WorkerService/Poll', '{"worker":{}}'],
  'a bad cursor': ['JobService/List', `{"cursor":"' OR 1=1"}`],
  'another media type': ['JobService/Get', '{}', { 'content-type': 'text/plain' }],
  'another token': ['JobService/Get', '{"id":1}', { authorization: `Bearer perdure_${CANARY}` }],
  'no token': ['JobService/Get', '{"id":1}', { authorization: '' }],
}

describe('an error', () => {
  it.each(Object.entries(calls))('of %s says no more than it must', async (_, [path, body, headers]) => {
    const answer = await post(path, body, headers)
    expect(answer).toMatch(/^[45]\d\d /)
    expect(answer).not.toMatch(LEAKS)
    expect(answer).not.toContain(CANARY)
    expect(answer).not.toContain(token.slice(-43))
  })

  it('that is a bug stands in the log of the node under the number that the caller got', async () => {
    const answer = await post('NodeService/GetPosition', '{}')
    const bug = /Look for ([0-9a-f]{8}) in the log/.exec(answer)?.[1] ?? 'none'
    expect(said.filter((line) => line.includes(bug))).toEqual([expect.stringContaining('TypeError')])
  })

  it('over an exchange is the same', async () => {
    const remote = await connectNode({ url: served.url, credential: { type: 'token', token } })
    const thrown = (await remote.position().catch((error: unknown) => error)) as Error
    expect(thrown.message).toContain('Look for')
    expect(thrown.message).not.toContain(CANARY)
    await remote.close()
  })
})

it('inputs, keys, results and tokens are in no log and no metric', async () => {
  const body = { jobs: [{ kind: 'a', input: CANARY, key: `${CANARY}k`, metadata: { secret: `${CANARY}m` } }] }
  await post('JobService/Enqueue', JSON.stringify(body))
  const worker = { name: 'w', host: 'h', pid: 1, instance: 'i' }
  const polled = await post(
    'WorkerService/Poll',
    JSON.stringify({ worker, queues: ['default'], kinds: ['a'], slots: 1 }),
  )
  const lease = /"token": ?"([^"]+)"/.exec(polled)?.[1]
  const reports = [{ token: lease, outcome: 'succeeded', result: CANARY }]
  expect(await post('WorkerService/Report', JSON.stringify({ worker, reports }))).toContain('true')
  const metrics = await fetch(`${served.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  const everything = `${await metrics.text()}\n${said.filter((line) => !line.includes('A bug')).join('\n')}`
  expect(everything).toContain('perdure_jobs_ended_total')
  expect(everything).not.toContain(CANARY)
  expect(everything).not.toContain(token.slice(-43))
  expect(everything).not.toContain(lease)
})
