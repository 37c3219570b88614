/**
 * sync-kill: SIGKILL in the very system call that makes a commit durable. From round to round the syncs of a new
 * store are met one after another, its making included; then one that is in use is met at random.
 */
import { finishAll, inspect } from '../checks.ts'
import type { Round, Scenario } from '../scenario.ts'
import { mustBeKilled, newSubject, startOwner, tell } from './subject.ts'

/** Syncs of a new store that a round meets. Its making takes about ten. */
const WALKED = 3
const LIVES = 3
const LEAST_SYNCS = 15
const MOST_SYNCS = 80

export const syncKill: Scenario = {
  name: 'sync-kill',
  title: 'SIGKILL at the Nth fdatasync, from the making of the file on',
  needs: ['strace'],
  run: async (round) => {
    for (let i = 1; i <= WALKED; i++) await meetNew(round, (round.number - 1) * WALKED + i)
    const subject = newSubject(round)
    for (let life = 0; life < LIVES; life++) {
      const sync = round.random.integer(LEAST_SYNCS, MOST_SYNCS)
      mustBeKilled(await startOwner(subject, round, killAt(sync)).ended)
      await inspect(subject)
    }
    await finishAll(subject)
    tell(round, subject)
  },
}

async function meetNew(round: Round, sync: number): Promise<void> {
  const subject = newSubject(round, `new-${sync}`)
  mustBeKilled(await startOwner(subject, round, killAt(sync)).ended)
  await inspect(subject)
}

const killAt = (sync: number): string => `signal=SIGKILL:when=${sync}`
