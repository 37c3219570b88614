/** The models keep their invariants in random runs, and the invariants catch every defect. */
import { describe, expect, it } from 'vitest'
import { MODEL_NAMES, simulateDefects, simulateSound } from './quint/models.ts'

/** A simulation takes seconds, on a busy machine many. */
const TIMEOUT_MS = 120_000

describe.each(MODEL_NAMES)('the model of %s', (model) => {
  it('keeps its invariants, while everything happens that should', { timeout: TIMEOUT_MS }, async () => {
    const { invariants, violated, unseen } = await simulateSound(model, { runs: 80, steps: 40, seed: 2 })
    expect(invariants.length).toBeGreaterThan(8)
    expect(violated).toEqual([])
    expect(unseen).toEqual([])
  })

  it('has invariants that catch each defect', { timeout: TIMEOUT_MS }, async () => {
    const caught = await simulateDefects(model, { runs: 200, steps: 40, seed: 2 })
    expect(caught.size).toBe(8)
    for (const [name, count] of caught) expect(count, name).toBeGreaterThan(0)
  })
})
