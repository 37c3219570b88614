/**
 * What was refused, on its way into the audit log: operators' actions of those who are none, and strangers.
 *
 * Owns: that nobody fills the log with them. Of refusals that are alike the first is written at once, and how many came
 * after it a minute later.
 */
import { type ErrorRecord, errorRecord } from '../../errors.ts'
import type { MethodName } from '../../protocol/methods.ts'
import type { Action } from './audit-chain.ts'
import type { AuditLog } from './audit-log.ts'
import type { Caller } from './caller.ts'
import { LONGEST_TEXT, RECORDED, subjectOf } from './recorder.ts'
import { readBearer } from './token.ts'

/** How long refusals are gathered, ms. */
const GATHER_MS = 60_000
/** Refusals that are told apart within that time; whatever else comes is counted together. */
const MOST_KINDS = 50

type Refusal = Omit<Action, 'at'>

/** Who came in without being let in, as far as can be said. */
export interface Stranger {
  readonly address: string | undefined
  /** What was shown: the header, and the name on a certificate. */
  readonly authorization: string | undefined
  readonly certificate: string | undefined
}

/** Refusals of one node. */
export class Refusals {
  readonly #log: AuditLog
  readonly #gatherMs: number
  /** Those of this minute, with how often they came again. */
  readonly #recent = new Map<string, { readonly refusal: Refusal; times: number }>()
  #others = 0
  #timer: NodeJS.Timeout | undefined
  /** The last that was written: what ends the node waits for it. */
  #written: Promise<unknown> = Promise.resolve()

  constructor(log: AuditLog, gatherMs = GATHER_MS) {
    this.#log = log
    this.#gatherMs = gatherMs
  }

  /** A caller may not do this. What is no action of an operator is not kept. */
  ofCaller({ id, name }: Caller, method: MethodName, values: readonly unknown[], error: unknown): void {
    if (!RECORDED.has(method)) return
    const { code } = errorRecord(error)
    this.#note({ who: id, name, what: method, on: subjectOf(method, values), outcome: code })
  }

  /** Somebody showed what does not count. Whoever shows nothing at all has only knocked at the wrong door. */
  ofStranger({ address = 'unknown', authorization, certificate }: Stranger, error: unknown): void {
    if (authorization === undefined && certificate === undefined) return
    const token = authorization === undefined ? undefined : readBearer(authorization)?.id
    const on = {
      ...(token && { token }),
      ...(certificate && { certificate: certificate.slice(0, LONGEST_TEXT) }),
    }
    const { code }: ErrorRecord = errorRecord(error)
    this.#note({ who: `address:${address}`, name: address, what: 'enter', on, outcome: code })
  }

  /** Writes what has been gathered. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#flush()
    await this.#written
  }

  #note(refusal: Refusal): void {
    const { who, what, outcome } = refusal
    const key = `${who} ${what} ${outcome}`
    const known = this.#recent.get(key)
    if (known !== undefined) known.times += 1
    else if (this.#recent.size >= MOST_KINDS) this.#others += 1
    else {
      this.#recent.set(key, { refusal, times: 0 })
      this.#append(refusal)
    }
    this.#timer ??= setTimeout(() => this.#flush(), this.#gatherMs).unref()
  }

  #flush(): void {
    this.#timer = undefined
    for (const { refusal, times } of this.#recent.values())
      if (times > 0) this.#append({ ...refusal, on: { again: times } })
    if (this.#others > 0)
      this.#append({
        who: 'others',
        name: 'others',
        what: 'enter',
        on: { again: this.#others },
        outcome: 'DENIED',
      })
    this.#recent.clear()
    this.#others = 0
  }

  /** Nobody waits for it. A log that cannot be written says so to the next operator. */
  #append(refusal: Refusal): void {
    this.#written = this.#log.append({ at: Date.now(), ...refusal }).catch(() => {})
  }
}
