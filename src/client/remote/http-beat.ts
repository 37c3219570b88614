/**
 * Beats to a node: the Heartbeat call as plain HTTP with JSON, which needs nothing but what Node brings along.
 */
import { request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { WorkerName } from '../../protocol/messages.ts'
import type { SendBeat } from './beat-thread.ts'
import { headersOf } from './credential.ts'
import type { BeatTarget } from './door.ts'

/** A beat that takes longer is of no use: the next one is on its way by then. */
const TIMEOUT_MS = 5_000

/** Undefined while the file of the token cannot be read: the lease outlives a few beats that fail. */
function headersFor({ headers, credential }: Extract<BeatTarget, { type: 'http' }>) {
  try {
    return { ...headers, ...headersOf(credential), 'content-type': 'application/json' }
  } catch {
    return undefined
  }
}

/** Makes the sender of beats for a worker. Connections are kept open between beats. */
export function httpBeat(
  target: Extract<BeatTarget, { type: 'http' }>,
  worker: WorkerName,
  onLost: (lost: readonly string[]) => void,
): SendBeat {
  const url = new URL('/perdure.v1.WorkerService/Heartbeat', target.url)
  const isSecure = url.protocol === 'https:'
  const agent = isSecure ? { agent: new HttpsAgent({ keepAlive: true, ...target.tls }) } : {}
  const request = isSecure ? requestHttps : requestHttp

  return (tokens) => {
    const headers = headersFor(target)
    if (headers === undefined) return
    const call = request(url, { method: 'POST', headers, timeout: TIMEOUT_MS, ...agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => {})
      response.on('end', () => {
        if (response.statusCode !== 200) return
        const { lost = [] } = JSON.parse(Buffer.concat(chunks).toString()) as { lost?: string[] }
        onLost(lost)
      })
    })
    call.on('timeout', () => call.destroy())
    // the lease outlives a few that fail
    call.on('error', () => {})
    call.end(JSON.stringify({ worker, tokens }))
  }
}
