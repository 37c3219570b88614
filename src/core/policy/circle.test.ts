/** How far a look for circles goes. */
import { expect, it } from 'vitest'
import { blankJob, HAS_DEPENDENTS } from '../model/job.ts'
import type { View } from '../view.ts'
import { waitersOf } from './circle.ts'
import { EDGE_RUN } from './finish.ts'

it('looks at a bounded number of jobs, however long a line of them is', () => {
  const asked: number[] = []
  const endless = {
    jobs: {
      need: (ids: readonly number[]) => void asked.push(...ids),
      get: (id: number) => ({ ...blankJob(id, 1, 0), flags: HAS_DEPENDENTS }),
    },
    dependents: { need: () => {}, members: (id: number) => [[id + 1, EDGE_RUN]] },
  } as unknown as Pick<View, 'jobs' | 'dependents'>
  const found = waitersOf(endless, 1)
  expect(found.size).toBe(10_000)
  expect([...found].slice(0, 3)).toEqual([1, 2, 3])
  expect(asked).toHaveLength(9_999)
})

it('finds nobody behind a job that was deleted', () => {
  const gone = { jobs: { need: () => {}, get: () => undefined }, dependents: { need: () => {} } }
  expect([...waitersOf(gone as unknown as Pick<View, 'jobs' | 'dependents'>, 1)]).toEqual([1])
})
