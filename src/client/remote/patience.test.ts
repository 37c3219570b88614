import { describe, expect, it } from 'vitest'
import { PerdureError } from '../../errors.ts'
import { Patience } from './patience.ts'

const overloaded = (retryAfterMs?: number) =>
  new PerdureError('OVERLOADED', '', retryAfterMs === undefined ? {} : { data: { retryAfterMs } })

const patience = (ms: number, ...signals: AbortSignal[]) =>
  new Patience({
    deadline: performance.now() + ms,
    patienceMs: 60_000,
    signals: [new AbortController().signal, ...signals],
  })

describe('patience', () => {
  it.each([
    new PerdureError('NOT_FOUND', ''),
    new PerdureError('UNAVAILABLE', ''),
    new Error('OVERLOADED'),
    undefined,
  ])('is not for what waiting does not help: %s', async (error) => {
    expect(await patience(60_000).outwaits(error)).toBe(false)
  })

  it('lasts at least as long as the refusal says', async () => {
    const begun = performance.now()
    expect(await patience(60_000).outwaits(overloaded(120))).toBe(true)
    // timers may come a little early
    expect(performance.now() - begun).toBeGreaterThan(115)
  })

  it('grows', async () => {
    const one = patience(60_000)
    const begun = performance.now()
    // at least half of 20, 40, 80 and 160 ms
    for (let refusal = 0; refusal < 4; refusal += 1) expect(await one.outwaits(overloaded())).toBe(true)
    expect(performance.now() - begun).toBeGreaterThan(140)
  })

  it('gives up at once where there is no room in time', async () => {
    const one = patience(30_000)
    expect(await one.outwaits(overloaded(30_001))).toBe(false)
    const endless = { deadline: Number.POSITIVE_INFINITY, patienceMs: 30_000, signals: [] }
    expect(await new Patience(endless).outwaits(overloaded(30_001))).toBe(false)
  })

  it('counts anew for a call that has no deadline, once it got through', async () => {
    const signals = [new AbortController().signal]
    const one = new Patience({ deadline: Number.POSITIVE_INFINITY, patienceMs: 200, signals })
    expect(await one.outwaits(overloaded(120))).toBe(true)
    expect(await one.outwaits(overloaded(120))).toBe(false)
    one.calm()
    expect(await one.outwaits(overloaded(120))).toBe(true)
  })

  it('ends with what its caller gives up for', async () => {
    const stop = new AbortController()
    const waiting = patience(600_000, stop.signal).outwaits(overloaded(300_000))
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})
