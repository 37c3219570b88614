/**
 * full: a small disk becomes full under load. New work is refused with an error that says so, reads go on, and
 * when there is room again, so does work.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finishAll, inspect } from '../checks.ts'
import { must } from '../findings.ts'
import type { Scenario } from '../scenario.ts'
import { mustBeKilled, mustHear, newSubject, startOwner, tell } from './subject.ts'

const DISK_MB = 24
/** Leaves room for the making of the store and a second or two of load. */
const BALLAST_MB = 21
const LINES_WHILE_FULL = 10
const LINES_AFTER = 100

export const full: Scenario = {
  name: 'full',
  title: 'the disk is full, then has room again, then is full',
  needs: ['mount'],
  run: async (round) => {
    const disk = join(round.folder, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', disk])
    try {
      const subject = newSubject({ ...round, folder: disk })
      const { history } = subject
      const ballast = join(disk, 'ballast')
      writeFileSync(ballast, Buffer.alloc(BALLAST_MB * 1024 * 1024))
      const owner = startOwner({ ...subject, ledger: join(round.folder, 'ledger') }, round)
      try {
        await owner.hearsThat(() => history.refusals.length >= LINES_WHILE_FULL)
        mustSayFull(history.refusals)
        rmSync(ballast)
        const before = history.acknowledged
        await owner.hearsThat(() => history.acknowledged >= before + LINES_AFTER)
        must(history.acknowledged > before, () => 'with room again, nothing was taken')
        const refused = history.refusals.length
        await owner.hearsThat(() => history.refusals.length > refused)
        await mustHear(owner, 1, 'on a full disk')
      } finally {
        await owner.abandon()
      }
      mustBeKilled(await owner.ended)
      cpSync(disk, join(round.folder, 'roomy'), { recursive: true })
      const roomy = { ...subject, store: join(round.folder, 'roomy', 'app.db') }
      await inspect({ ...roomy, ledger: join(round.folder, 'ledger') })
      await finishAll(roomy)
      tell(round, { ...subject, ledger: join(round.folder, 'ledger') })
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  },
}

function mustSayFull(refusals: readonly string[]): void {
  must(refusals.length > 0, () => 'on a full disk, an owner ended without a refusal')
  const other = refusals.find((refusal) => !/^STORE_FAILED .*(full|SQLITE_FULL)/i.test(refusal))
  must(other === undefined, () => `a full disk was refused as ${other}`)
}
