/**
 * kill: one store, many lives, each ended by SIGKILL at a random moment. At the end everything is run to its end.
 */
import { finishAll, inspect } from '../checks.ts'
import type { Round, Scenario } from '../scenario.ts'
import { mustBeKilled, newSubject, startOwner, tell } from './subject.ts'

const LIVES = 4
/** Opening a store takes a fifth of this, so that some lives end before they have begun. */
const MOST_MS = 1_000
const MOST_LINES = 600
/** So much is done in the last life of a round at least: a busy machine may not get to anything in the others. */
const LAST_LINES = 100

export const kill: Scenario = {
  name: 'kill',
  title: 'SIGKILL at random moments, many lives on one store',
  needs: [],
  run: async (round) => {
    const subject = newSubject(round)
    for (let life = 0; life < LIVES; life++) {
      await liveAndDie(round, () => startOwner(subject, round), life === LIVES - 1)
      await inspect(subject)
    }
    await finishAll(subject)
    tell(round, subject)
  },
}

async function liveAndDie(
  { random }: Round,
  start: () => ReturnType<typeof startOwner>,
  isLast: boolean,
): Promise<void> {
  const byTime = random.chance(0.4) && !isLast
  const life = start()
  if (byTime) await new Promise((resolve) => setTimeout(resolve, random.integer(0, MOST_MS)))
  else await life.hears(random.integer(isLast ? LAST_LINES : 1, MOST_LINES))
  life.kill('SIGKILL')
  mustBeKilled(await life.ended)
}
