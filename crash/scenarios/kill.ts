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

export const kill: Scenario = {
  name: 'kill',
  title: 'SIGKILL at random moments, many lives on one store',
  needs: [],
  run: async (round) => {
    const subject = newSubject(round)
    for (let life = 0; life < LIVES; life++) {
      await liveAndDie(round, () => startOwner(subject, round))
      await inspect(subject)
    }
    await finishAll(subject)
    tell(round, subject)
  },
}

async function liveAndDie({ random }: Round, start: () => ReturnType<typeof startOwner>): Promise<void> {
  const byTime = random.chance(0.4)
  const life = start()
  if (byTime) await new Promise((resolve) => setTimeout(resolve, random.integer(0, MOST_MS)))
  else await life.hears(random.integer(1, MOST_LINES))
  life.kill('SIGKILL')
  mustBeKilled(await life.ended)
}
