/**
 * Questions: what runs are asked, on its way to a worker that has their code, and back.
 *
 * Owns: who is asked. Whoever worked on a run last may still have it in memory and is asked first; any other worker of its kind
 * answers from the journal just as well. Never does: judging an answer.
 */

import { type ErrorRecord, fromErrorRecord, PerdureError, perdureError } from '../../errors.ts'
import type { StoredJob } from '../../store/store.ts'
import type { RunAnswer, RunQuestion } from '../workflows.ts'

/** Somebody who may answer: a worker's session. */
export interface Answerer {
  /** Whether it serves a queue and kind, as far as it has said. */
  serves(queue: string, kind: string): boolean
  /** Undefined where it cannot answer, or went away. */
  ask(question: Omit<RunQuestion, 'token'>, signal: AbortSignal): Promise<RunAnswer | undefined>
}

/** Runs of which it is remembered who worked on them last. */
const MOST_REMEMBERED = 100_000

export class Questions {
  readonly #answerers: () => Iterable<Answerer>
  readonly #last = new Map<number, Answerer>()
  /** Questions that wait for somebody who can answer. */
  readonly #waiting = new Set<() => void>()

  constructor(answerers: () => Iterable<Answerer>) {
    this.#answerers = answerers
  }

  /** Notes who works on a run. */
  note(run: number, answerer: Answerer): void {
    if (this.#last.get(run) === answerer) return
    this.#last.delete(run)
    this.#last.set(run, answerer)
    if (this.#last.size <= MOST_REMEMBERED) return
    for (const oldest of this.#last.keys()) {
      this.#last.delete(oldest)
      return
    }
  }

  /** Somebody may be able to answer who was not before. */
  retry(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /**
   * The answer, as JSON text. Where nobody can give one, it waits until somebody can: workers come and go. Rejects with what the answer
   * says where it is an error, with NO_WORKER where nobody came in time, and with what else the signal aborts with.
   */
  async ask(
    run: StoredJob,
    { ask, name, input }: Pick<RunQuestion, 'ask' | 'name' | 'input'>,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { kind, namespace, input: runInput } = run
    const question = { ask, job: run.row.id, kind, namespace, runInput, name, input }
    for (;;) {
      const comes = this.#somebodyComes(signal)
      for (const answerer of this.#candidates(run)) {
        const answer = await answerer.ask(question, signal)
        signal.throwIfAborted()
        if (answer === undefined) continue
        if (answer.isBroken) throw fromErrorRecord(JSON.parse(answer.value as string) as ErrorRecord)
        return answer.value
      }
      await comes
      if (signal.aborted) throw isTimeout(signal.reason) ? noWorker(run) : signal.reason
    }
  }

  /** Resolves as soon as it is worth to ask once more, or the signal aborts. */
  #somebodyComes(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }

  #candidates({ row, queue, kind }: StoredJob): Answerer[] {
    const serving = [...this.#answerers()].filter((answerer) => answerer.serves(queue, kind))
    const last = this.#last.get(row.id)
    if (last === undefined || !serving.includes(last)) return serving
    return [last, ...serving.filter((answerer) => answerer !== last)]
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof PerdureError && reason.code === 'TIMEOUT'
}

function noWorker({ row: { id }, queue, kind }: StoredJob): PerdureError {
  return perdureError('NO_WORKER', {
    expected: `a connected worker of queue '${queue}' and kind '${kind}' that answers for run ${id}`,
    found: 'none',
    fix: 'Start one, or try again',
    data: { job: id },
  })
}
