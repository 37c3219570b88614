/** Leases: a deadline that was acted on cannot be taken back. */
import { describe, expect, it } from 'vitest'
import { blankJob, type JobRow } from '../core/model/job.ts'
import { DEFAULT_PROFILE } from '../core/model/profile.ts'
import { RUNNING } from '../core/model/states.ts'
import { Leases } from './leases.ts'

const TERM_MS = DEFAULT_PROFILE.timeouts.heartbeatMs
const running: JobRow = { ...blankJob(1, 1, 0), state: RUNNING, attempt: 1, nonce: 'n', startedAt: 1 }

function leased(): Leases {
  const leases = new Leases()
  leases.follow(undefined, running, () => DEFAULT_PROFILE.timeouts, 0)
  return leases
}

describe('leases', () => {
  it('refuses to renew a lease whose end is on its way (L5)', () => {
    const leases = leased()
    expect(leases.overdue(TERM_MS)).toMatchObject([{ job: 1, attempt: 1, cause: 'lost' }])
    expect(leases.renew(1, 1, 'n', TERM_MS)).toBe(false)
  })

  it('renews one that is late, as long as nobody has acted on it', () => {
    const leases = leased()
    expect(leases.renew(1, 1, 'n', TERM_MS + 1)).toBe(true)
    expect(leases.overdue(TERM_MS + 2)).toEqual([])
  })

  it('hears a worker again when the shard was opened anew', () => {
    const leases = leased()
    leases.overdue(TERM_MS)
    leases.clear()
    leases.follow(undefined, running, () => DEFAULT_PROFILE.timeouts, TERM_MS)
    expect(leases.renew(1, 1, 'n', TERM_MS)).toBe(true)
  })
})
