/**
 * The store that a round torments, and lives of an owner on it.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Subject } from '../checks.ts'
import { must, Violation } from '../findings.ts'
import { History, ledgerProblems } from '../history.ts'
import { type End, Life } from '../life.ts'
import type { Round } from '../scenario.ts'

/** Makes the subject of a round; nothing is on the disk yet. */
export function newSubject({ folder }: Round, name = 'app'): Subject {
  return { store: join(folder, `${name}.db`), ledger: join(folder, `${name}.ledger`), history: new History() }
}

/** Starts an owner, whose acknowledgements go into the history. */
export function startOwner({ store, ledger, history }: Subject, { random }: Round, syncs?: string): Life {
  const seed = String(random.integer(1, 1_000_000))
  const onLine = (line: string): void => history.hear(line)
  return new Life({
    program: 'owner',
    args: [store, ledger, seed],
    onLine,
    ...(syncs === undefined ? {} : { syncs }),
  })
}

/** Nothing but the signal ends a life. */
export function mustBeKilled({ signal, code, complaints }: End): void {
  must(signal === 'SIGKILL', () => `an owner ended by itself with ${code ?? signal}: ${complaints}`)
}

/** Tells the summary what the round was about. */
export function tell(round: Round, { history, ledger }: Subject): void {
  round.count('acknowledged', history.acknowledged)
  round.count('refused', history.refusals.length)
  if (!existsSync(ledger)) return
  const { starts, interrupted } = ledgerProblems(ledger)
  round.count('attempts', starts)
  round.count('interrupted', interrupted)
}

/** An owner that does not even begin, or falls silent, is a violation: nothing stands in its way. */
export async function mustHear(life: Life, more: number, when: string): Promise<void> {
  if (await life.hears(more)) return
  const { code, signal, complaints } = await life.ended
  throw new Violation(`${when}, an owner ended with ${code ?? signal}: ${complaints}`)
}
