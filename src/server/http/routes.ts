/**
 * What a node answers over HTTP besides its services: whether it lives, whether it is ready, how it is doing.
 *
 * Owns: the table of routes, and who may come in at all: a page in a browser must not reach a node on loopback by
 * having a name of its own resolve to it, and whoever shows no credential gets no further than the open pages.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { assertRight, notWhole } from '../auth/authorize.ts'
import type { Caller } from '../auth/caller.ts'
import { isPage, PAGES, type PagePath, type Right } from '../auth/rights.ts'
import type { Handler } from './listener.ts'
import { refuse } from './refuse.ts'

/** A page of plain text. */
export interface Page {
  readonly status: number
  readonly text: string
  readonly type?: string
}

/** Routes by path. All of them are read with GET. */
export type Routes = Partial<Readonly<Record<PagePath, () => Page | Promise<Page>>>>

/** Who may come in. */
export interface Entrance {
  isKnownHost(name: string): boolean
  /** Who sends a request; throws for nobody that is known. */
  identify(request: Http2ServerRequest): Caller
  /** Counts it among those of its sender, who is remembered for the services; throws for one too many. */
  admit(request: Http2ServerRequest, response: Http2ServerResponse, caller: Caller): void
}

/** Checks who is asked for and by whom, then answers a route, or hands the request to the services. */
export function route(routes: Routes, services: Handler, entrance: Entrance): Handler {
  return (request, response) => {
    const problem = foreignHost(request, entrance)
    if (problem !== undefined) return send(request, response, { status: 421, text: problem })
    const [path = ''] = request.url.split('?', 1)
    const page = isPage(path) ? routes[path] : undefined
    try {
      if (!isPage(path)) entrance.admit(request, response, entrance.identify(request))
      else if (PAGES[path] !== 'none') assertMay(entrance.identify(request), PAGES[path], path)
    } catch (error) {
      return refuse(request, response, error)
    }
    // a page that is left out is as unknown to the services as any other path
    if (page === undefined) return services(request, response)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(request, response, { status: 405, text: `${path} is read with GET` })
    Promise.resolve()
      .then(page)
      .then(
        (found) => send(request, response, found),
        () => send(request, response, { status: 500, text: 'this page could not be made' }),
      )
  }
}

/** Pages are about the node as a whole. */
function assertMay(caller: Caller, right: Right, path: string): void {
  assertRight(caller, right)
  if (caller.namespaces !== undefined) throw notWhole(caller, path)
}

function foreignHost(request: Http2ServerRequest, { isKnownHost }: Entrance): string | undefined {
  const authority = request.headers[':authority'] ?? request.headers.host ?? ''
  const name = String(authority)
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  if (isKnownHost(name)) return undefined
  return 'This node is asked for by a name that it does not know; see hosts in docs/operations.md'
}

function send(request: Http2ServerRequest, response: Http2ServerResponse, page: Page): void {
  response.writeHead(page.status, {
    'content-type': page.type ?? 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  if (request.method === 'HEAD') response.end()
  else response.end(`${page.text.trimEnd()}\n`)
}
