/**
 * The table of everything that can be asked over the wire: its name, its form, whether it changes
 * anything, and what its arguments look like. What is not in it does not exist for a peer.
 *
 * Names with `session.` belong to a worker's session, whose number is their first argument; those with `workflows.` to
 * the part of a client, or of a session, that knows workflow runs. A test holds
 * the table against the client interface, so that a new method cannot be forgotten.
 */
import { malformed } from './json.ts'

/** `call`: one answer. `stream`: many, with credit. `tell`: none. */
export type MethodForm = 'call' | 'stream' | 'tell'

/** What one argument must look like; with `?` it may be left out. */
export type ArgumentShape =
  | 'integer'
  | 'string'
  | 'boolean'
  | 'array'
  | 'object'
  | 'number'
  | 'integer?'
  | 'object?'
  | 'string?'

/** One row of the table. */
export interface Method {
  readonly form: MethodForm
  readonly effect: 'read' | 'write'
  readonly arguments: readonly ArgumentShape[]
  /** Items that may be under way in a stream. Chosen so that a full window stays within a few MB. */
  readonly window?: number
}

/** Every method of the wire. */
export const METHODS = {
  enqueue: { form: 'call', effect: 'write', arguments: ['object', 'object?'] },
  import: { form: 'call', effect: 'write', arguments: ['array'] },
  get: { form: 'call', effect: 'read', arguments: ['integer'] },
  list: { form: 'call', effect: 'read', arguments: ['object'] },
  counts: { form: 'call', effect: 'read', arguments: ['object?'] },
  control: { form: 'call', effect: 'write', arguments: ['integer', 'object'] },
  wait: { form: 'call', effect: 'read', arguments: ['integer'] },
  watch: { form: 'stream', effect: 'read', arguments: ['object'], window: 1_024 },
  logs: { form: 'stream', effect: 'read', arguments: ['integer', 'object?'], window: 64 },
  pauseQueue: { form: 'call', effect: 'write', arguments: ['string', 'boolean'] },
  dependents: { form: 'call', effect: 'read', arguments: ['integer', 'integer?'] },
  'workflows.signal': { form: 'call', effect: 'write', arguments: ['integer', 'string', 'object'] },
  'workflows.query': { form: 'call', effect: 'read', arguments: ['integer', 'string', 'object'] },
  'workflows.update': { form: 'call', effect: 'write', arguments: ['integer', 'string', 'object'] },
  'workflows.fork': { form: 'call', effect: 'write', arguments: ['integer', 'object?'] },
  'workflows.follow': {
    form: 'stream',
    effect: 'read',
    arguments: ['integer', 'string', 'object?'],
    window: 64,
  },
  'workflows.journal': { form: 'call', effect: 'read', arguments: ['integer', 'integer?'] },
  openWorker: { form: 'call', effect: 'read', arguments: ['object', 'object'] },
  workers: { form: 'call', effect: 'read', arguments: [] },
  position: { form: 'call', effect: 'read', arguments: [] },
  info: { form: 'call', effect: 'read', arguments: [] },
  check: { form: 'call', effect: 'read', arguments: [] },
  tail: { form: 'stream', effect: 'read', arguments: ['object'], window: 256 },
  'session.poll': { form: 'call', effect: 'write', arguments: ['integer', 'object'] },
  'session.report': { form: 'call', effect: 'write', arguments: ['integer', 'array', 'string'] },
  'session.workflows.record': {
    form: 'call',
    effect: 'write',
    arguments: ['integer', 'string', 'integer', 'array', 'string'],
  },
  'session.workflows.journal': {
    form: 'call',
    effect: 'read',
    arguments: ['integer', 'string', 'integer'],
  },
  'session.workflows.answer': {
    form: 'call',
    effect: 'read',
    arguments: ['integer', 'string', 'object?'],
  },
  'session.heartbeat': { form: 'call', effect: 'read', arguments: ['integer', 'array'] },
  'session.log': { form: 'call', effect: 'write', arguments: ['integer', 'array', 'string'] },
  'session.progress': {
    form: 'tell',
    effect: 'write',
    arguments: ['integer', 'string', 'number', 'string?'],
  },
  'session.record': { form: 'call', effect: 'read', arguments: ['integer', 'array'] },
  'session.tell': { form: 'tell', effect: 'read', arguments: ['integer', 'object'] },
  'session.close': { form: 'call', effect: 'read', arguments: ['integer'] },
} as const satisfies Record<string, Method>

/** A name of the table. */
export type MethodName = keyof typeof METHODS

/** Whether a peer's string names a method. */
export function isMethod(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name)
}

function fits(shape: ArgumentShape, value: unknown): boolean {
  if (shape.endsWith('?') && (value === undefined || value === null)) return true
  switch (shape) {
    case 'integer':
    case 'integer?':
      return Number.isSafeInteger(value)
    case 'number':
      return typeof value === 'number'
    case 'string':
    case 'string?':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    case 'array':
      return Array.isArray(value)
    case 'object':
    case 'object?':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
  }
}

/** Fails with PROTOCOL when the arguments are not of the form that the table gives. Contents are the engine's to judge. */
export function assertArguments(name: MethodName, values: readonly unknown[]): void {
  const shapes: readonly ArgumentShape[] = METHODS[name].arguments
  if (values.length > shapes.length) {
    throw malformed(`at most ${shapes.length} arguments for ${name}`, `${values.length}`)
  }
  for (const [index, shape] of shapes.entries()) {
    if (!fits(shape, values[index])) {
      throw malformed(
        `argument ${index + 1} of ${name} as ${shape.replace('?', ' or nothing')}`,
        kindOf(values[index]),
      )
    }
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
