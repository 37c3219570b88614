/**
 * Serves a client to other processes of the same user, over a unix domain socket.
 *
 * Owns: the socket file (who may open it, what happens to one that a dead process left behind) and the
 * set of connections. Who may connect is decided by the file's permissions alone.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname, resolve } from 'node:path'
import type { Client } from '../client/client.ts'
import { type PerdureError, perdureError } from '../errors.ts'
import { Link, type LinkEvents } from '../protocol/link.ts'
import { type ClientMessage, readClientMessage, type ServerMessage } from '../protocol/messages.ts'
import type { AuditLog } from './auth/audit-log.ts'
import { OWNER } from './auth/caller.ts'
import { Connection } from './connection.ts'
import { Hub } from './hub.ts'

/** A socket that is being served. */
export interface ServedSocket {
  readonly path: string
  /** Connections at the moment. */
  readonly connections: number
  /** Stops listening, removes the file if it is still this one's, and ends all connections. The client stays open. */
  close(): Promise<void>
}

/** How to serve a socket. */
export interface SocketOptions {
  /** Keeps a record of what operators do. Default: none is kept. */
  readonly audit?: AuditLog
  /** How long a worker's session waits for its connection to come back, ms. Default 10,000. */
  readonly lingerMs?: number
}

/**
 * Listens at `path`. A missing folder is made for this user only (0700); the socket is 0600 from the
 * moment that it appears under its name. A file that nobody answers at any more is replaced.
 *
 * @throws PerdureError STORE_BUSY when a living process answers there; DENIED or INVALID_OPTION when the
 * file cannot be made or is something other than a socket.
 */
export async function serveSocket(
  client: Client,
  path: string,
  options: SocketOptions = {},
): Promise<ServedSocket> {
  const target = resolve(path)
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
  await assertFree(target)

  const hub = new Hub(client, options)
  let open = false
  const server = createServer((socket) => {
    // Under its temporary name the file has the permissions of the umask for a moment: nobody is let in by that door.
    if (!open) socket.destroy()
    else hub.admit((shared) => new Connection((events) => linkOf(socket, events), OWNER, shared))
  })

  // Bound under a name of its own and moved into place, so that the name never leads to a half-made socket
  // and two processes that both find a dead one cannot remove each other's.
  const temporary = `${target}.${process.pid}.${randomBytes(4).toString('hex')}`
  await listen(server, temporary)
  try {
    chmodSync(temporary, 0o600)
    renameSync(temporary, target)
  } catch (cause) {
    server.close()
    throw cannotServe(target, cause)
  }
  open = true
  const { ino, dev } = lstatSync(target)

  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    removeIfSame(target, ino, dev)
    const closed = new Promise<void>((done) => server.close(() => done()))
    await hub.drain()
    await closed
    await hub.closeSessions()
  }
  return {
    path: target,
    get connections() {
      return hub.connections
    },
    close: () => (closing ??= close()),
  }
}

function linkOf(socket: Socket, events: LinkEvents<ClientMessage>): Link<ClientMessage, ServerMessage> {
  return new Link(socket, readClientMessage, events, true)
}

/** Fails unless nothing, or only what a dead process left, is at `path`. */
async function assertFree(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isSocket()) {
    throw perdureError('INVALID_OPTION', {
      expected: 'a path for a socket',
      found: `a file of another type at ${path}`,
      fix: 'Move that file away or choose another path',
      data: { path },
    })
  }
  if (await answers(path)) {
    throw perdureError('STORE_BUSY', {
      expected: 'that no other process serves this socket',
      found: `a living one at ${path}`,
      fix: 'Speak to that process over its socket, or stop it first',
      data: { socket: path },
    })
  }
}

/** Whether a process accepts connections at `path`. */
function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    // A full backlog (EAGAIN) also means that somebody is there; only these two mean that nobody is.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    const onError = (cause: Error) => fail(cannotServe(path, cause))
    server.once('error', onError)
    server.listen(path, () => {
      server.removeListener('error', onError)
      // Errors of accept (too many open files) concern one connection, not the server.
      server.on('error', () => {})
      done()
    })
  })
}

function cannotServe(path: string, cause: unknown): PerdureError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'an unknown error'
  return perdureError(code === 'EACCES' || code === 'EPERM' ? 'DENIED' : 'INVALID_OPTION', {
    expected: `a folder in which a socket can be made for ${path}`,
    found: code,
    fix: 'Check the permissions of the folder and the length of the path (at most 103 bytes)',
    cause,
    data: { path },
  })
}

function removeIfSame(path: string, ino: number, dev: number): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat?.ino === ino && stat.dev === dev) unlinkSync(path)
}
