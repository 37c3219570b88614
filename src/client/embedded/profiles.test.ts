import { expect, it } from 'vitest'
import { DEFAULT_PROFILE, type Profile } from '../../core/model/profile.ts'
import { Profiles } from './profiles.ts'

const profileOf = (profiles: Profiles, options?: Parameters<Profiles['route']>[3]) =>
  JSON.parse(profiles.route('n', 'q', 'k', options).profile) as Profile

it('a job that says nothing gets the defaults, and what it says wins over them', () => {
  const profiles = new Profiles({ timeouts: { heartbeatMs: 1_234 }, retention: { failedMs: 5 } })
  const { timeouts, retention } = DEFAULT_PROFILE
  const changed = {
    ...DEFAULT_PROFILE,
    timeouts: { ...timeouts, heartbeatMs: 1_234 },
    retention: { ...retention, failedMs: 5 },
  }
  expect(profileOf(profiles)).toEqual(changed)
  expect(profileOf(profiles, { weight: 2 })).toEqual({ ...changed, weight: 2 })
  expect(profileOf(profiles, { timeouts: { heartbeatMs: 200 } }).timeouts).toEqual({
    ...changed.timeouts,
    heartbeatMs: 200,
  })
  expect(profileOf(new Profiles())).toEqual(DEFAULT_PROFILE)
})

it('defaults are checked as options are', () => {
  expect(() => new Profiles({ timeouts: { heartbeatMs: 1 } })).toThrow(/heartbeatMs/)
  expect(() => new Profiles({ weight: 0 })).toThrow(/weight/)
})
