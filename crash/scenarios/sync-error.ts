/**
 * sync-error: a sync fails with EIO, once or from then on. The owner may go on or give up; nothing that it
 * acknowledges, before or after, may be gone.
 *
 * The call fails without being made, and what it was to write stays in the page cache; a real disk that loses those
 * pages is not simulated here, but by the simulator's disk.
 */
import { finishAll, inspect } from '../checks.ts'
import { must } from '../findings.ts'
import type { End } from '../life.ts'
import type { Scenario } from '../scenario.ts'
import { newSubject, startOwner, tell } from './subject.ts'

const LIVES = 4
const MOST_SYNCS = 40
const MOST_LINES = 600
/** Exit code of an owner that can no longer have its store. */
const GAVE_UP = 3

export const syncError: Scenario = {
  name: 'sync-error',
  title: 'EIO at the Nth fdatasync, once or for ever',
  needs: ['strace'],
  run: async (round) => {
    const { random } = round
    const subject = newSubject(round)
    for (let life = 0; life < LIVES; life++) {
      const sync = random.integer(1, MOST_SYNCS)
      const isForEver = random.chance(0.4)
      const before = subject.history.refusals.length
      const owner = startOwner(subject, round, `error=EIO:when=${sync}${isForEver ? '+' : ''}`)
      await owner.hears(random.integer(MOST_LINES / 2, MOST_LINES))
      owner.kill('SIGKILL')
      mustBeOrderly(await owner.ended)
      round.count('noticed', subject.history.refusals.length > before ? 1 : 0)
      await inspect(subject)
    }
    await finishAll(subject)
    tell(round, subject)
  },
}

function mustBeOrderly({ code, signal, complaints }: End): void {
  must(
    signal === 'SIGKILL' || code === GAVE_UP,
    () => `after a failed sync an owner ended with ${code ?? signal}: ${complaints}`,
  )
}
