/**
 * A client whose user is recorded as an operator: for commands that own the store, whose calls pass no door.
 *
 * Owns: which of its calls are, by the names that they have at the doors. Never does: refusing any.
 */
import type { Client } from '../../client/client.ts'
import type { MethodName } from '../../protocol/methods.ts'
import { AuditLog, type AuditOptions } from './audit-log.ts'
import { OWNER } from './caller.ts'
import { RECORDED, type Recorder, recorderOf } from './recorder.ts'

type Call = (...values: readonly unknown[]) => unknown

/** The same client, of which what operators do is on record before it is answered. */
export function auditedClient(client: Client, audit: AuditOptions): Client {
  const record = recorderOf(new AuditLog(audit), OWNER)
  const workflows = recorded(client.workflows, 'workflows.', record)
  return recorded(client, '', record, { workflows })
}

function recorded<T extends object>(target: T, prefix: string, record: Recorder, parts: Partial<T> = {}): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(parts, name) ?? Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const act = value.bind(target) as Call
      const method = `${prefix}${String(name)}` as MethodName
      return RECORDED.has(method)
        ? (...values: unknown[]) => record(method, values, () => act(...values))
        : act
    },
  })
}
