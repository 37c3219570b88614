/**
 * What must not be read in a log is taken out of it before anybody keeps or writes it.
 *
 * Owns: which names stand for secrets, and which texts look like one. By name first: a value under a name such as
 * `password` goes whatever it is.
 */

/** What stands in the place of a secret. */
const REDACTED = '[redacted]'

/** Words that make a name the name of a secret: `dbPassword`, `x-api-key`, `ACCESS_TOKEN`. */
const SECRET_WORDS = new Set([
  ...['password', 'passwd', 'pwd', 'passphrase', 'secret', 'secrets', 'token', 'tokens', 'authorization'],
  ...[
    'auth',
    'credential',
    'credentials',
    'cookie',
    'cookies',
    'key',
    'keys',
    'apikey',
    'signature',
    'bearer',
  ],
])

/** Deeper values are only said to be there. */
const MOST_DEPTH = 6
/** Members of one object or array; the rest is left out. */
const MOST_MEMBERS = 64
/** Characters of one text in it. */
const MOST_VALUE = 2_048

/** Whether a value under this name must not be shown. */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return words.some((word) => SECRET_WORDS.has(word))
}

/** Text without what looks like a credential: our own tokens, the user and password of a URL, an Authorization header. */
export function redactText(text: string): string {
  return text
    .replace(/\bperdure_([0-9a-f]{12})_[\w-]{43}/g, `perdure_$1_${REDACTED}`)
    .replace(/:\/\/[^\s/@]+@/g, `://${REDACTED}@`)
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`)
}

/** Plain data without secrets, bounded in depth and size, and always writable as JSON. */
export function redact(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return clean(data, 0) as Record<string, unknown>
}

function clean(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value.length > MOST_VALUE ? `${value.slice(0, MOST_VALUE)} [cut]` : value)
    case 'number':
    case 'boolean':
      return value
    case 'object':
      if (value === null) return null
      if (value instanceof Error) return redactText(`${value.name}: ${value.message}`)
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
      if (depth >= MOST_DEPTH) return '[deeper]'
      if (Array.isArray(value)) return value.slice(0, MOST_MEMBERS).map((member) => clean(member, depth + 1))
      return cleanObject(value as Record<string, unknown>, depth)
    case 'undefined':
      return undefined
    default:
      return String(value)
  }
}

function cleanObject(value: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const pairs = Object.entries(value)
    .slice(0, MOST_MEMBERS)
    .map(([name, member]) => [name, isSecretName(name) ? REDACTED : clean(member, depth + 1)])
  return Object.fromEntries(pairs)
}
