/**
 * The files of TLS that a client uses: whom it trusts, and what it shows.
 *
 * Owns: where their names may come from, and what is said of one that cannot be read.
 */
import { readFileSync } from 'node:fs'
import { perdureError } from '../../errors.ts'
import type { TlsFiles } from './door.ts'

/** Names of PEM files. */
export interface TlsPaths {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | undefined
  /** Certificate to show. */
  readonly cert?: string | undefined
  /** Its key. */
  readonly certKey?: string | undefined
}

/**
 * Reads the files that are named, or else those of PERDURE_CA, PERDURE_CERT and PERDURE_CERT_KEY.
 *
 * @throws NOT_FOUND for one that cannot be read; INVALID_OPTION for a certificate without its key, or the reverse.
 */
export function readTlsFiles(paths: TlsPaths, env: NodeJS.ProcessEnv): TlsFiles {
  const ca = paths.ca ?? env.PERDURE_CA
  const cert = paths.cert ?? env.PERDURE_CERT
  const key = paths.certKey ?? env.PERDURE_CERT_KEY
  if (Boolean(cert) !== Boolean(key)) {
    throw perdureError('INVALID_OPTION', {
      expected: 'a certificate together with its key',
      found: cert ? 'no key' : 'no certificate',
      fix: 'Give both, or neither',
    })
  }
  return { ...(ca && { ca: read(ca) }), ...(cert && { cert: read(cert) }), ...(key && { key: read(key) }) }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw perdureError('NOT_FOUND', {
      expected: `a PEM file at ${path}`,
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      fix: 'Correct the path, or the permissions of the file',
      cause,
      data: { path },
    })
  }
}
