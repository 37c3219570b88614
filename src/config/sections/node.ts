/** A node that others speak to: where it listens, and how it proves who it is. */
import { invalidOption, nonEmptyText } from '../../std/options.ts'
import { formatGrant, type Grant, parseGrant } from '../grant.ts'
import { duration, type Kind, Setting, size, text, toggle, whole } from '../setting.ts'

const file = (about: string) => new Setting<string | undefined>(text(), { about, fallback: undefined })

/** What certificates allow, by common name. */
export type Clients = ReadonlyMap<string, Grant>

/** In a variable: `ingest=producer in acme;farm=worker of video,audio`. */
const clients: Kind<Clients> = {
  read: (name, given) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw invalidOption(name, 'a mapping from names of certificates to what they allow', given)
    const entries = Object.entries(given).map(([subject, grant]: [string, unknown]) => [
      nonEmptyText(`a certificate of ${name}`, subject),
      parseGrant(`${name}.${subject}`, grant),
    ])
    return new Map(entries as [string, Grant][])
  },
  fromText: (given) => {
    const parts = given.split(';').map((part) => /^([^=]+)=(.*)$/.exec(part.trim()))
    if (parts.includes(null)) return given
    return Object.fromEntries(parts.map((part) => [part?.[1]?.trim(), part?.[2]?.trim()]))
  },
  write: (value) => Object.fromEntries([...value].map(([name, grant]) => [name, formatGrant(grant)])),
}

/** The section `node`. */
export const NODE = {
  host: new Setting(text(255), {
    about: 'address to listen on; others than loopback need a token or a certificate',
    fallback: '127.0.0.1',
    flag: '--host <address>',
  }),
  port: new Setting(whole(0, 65_535), {
    about: 'port to listen on; 0 takes any that is free',
    fallback: 7_400,
    flag: '--port <n>',
  }),
  tls: {
    cert: file('file of the certificate and its chain, PEM'),
    key: file('file of the private key, PEM'),
    clientCa: file('file of the authorities whose client certificates are let in, PEM'),
    clients: new Setting<Clients | undefined>(clients, {
      about: 'what client certificates allow, by common name, * for all others (default: everything, to all)',
      fallback: undefined,
    }),
  },
  tokens: file('file of the tokens that are let in (default: beside the store, FILE.tokens)'),
  allowPlain: new Setting(toggle(), {
    about: 'let others in without TLS, where a proxy before the node ends it',
    fallback: false,
  }),
  audit: {
    size: new Setting(size(64 * 1024, 2 ** 40), {
      about: 'size of the audit log beyond which a new file is begun',
      fallback: 16 * 1024 * 1024,
    }),
    files: new Setting(whole(1, 100_000), {
      about: 'full files of the audit log that are kept; the oldest goes first',
      fallback: 50,
    }),
  },
  limits: {
    rate: new Setting(whole(0, 10_000_000), {
      about: 'calls a second of one caller, each job that is enqueued counting as one; 0 for any number',
      fallback: 0,
      isLive: true,
    }),
    namespace: {
      calls: new Setting(whole(0, 10_000_000), {
        about: 'calls a second of all callers of one namespace together, workers apart; 0 for any number',
        fallback: 0,
        isLive: true,
      }),
      jobs: new Setting(whole(0, 10_000_000), {
        about: 'jobs a second that are enqueued into one namespace; 0 for any number',
        fallback: 0,
        isLive: true,
      }),
    },
    requests: new Setting(whole(1, 1_000_000), {
      about: 'requests under way of one caller: polls, waits and exchanges among them',
      fallback: 10_000,
      isLive: true,
    }),
    connections: new Setting(whole(1, 1_000_000), { about: 'connections at a time', fallback: 20_000 }),
    streams: new Setting(whole(1, 100_000), {
      about: 'requests under way in one connection of HTTP/2',
      fallback: 1_000,
    }),
    headers: new Setting(size(4_096, 2 ** 20), {
      about: 'size of the headers of a request',
      fallback: 16 * 1024,
    }),
    headersTime: new Setting(duration(100), {
      about: 'how long a new connection and the headers of a request may take',
      fallback: 10_000,
    }),
    bodyTime: new Setting(duration(100), {
      about: 'how long a request may take to arrive as a whole',
      fallback: 60_000,
    }),
  },
  metrics: new Setting(toggle(), {
    about: 'serve /metrics for Prometheus',
    fallback: true,
  }),
} as const
