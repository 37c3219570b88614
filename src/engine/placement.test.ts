/** What a worker can take is judged once for each class, and a class is more than its number. */
import { expect, it } from 'vitest'
import { classText, type RequirementClass, requirementClass } from '../core/model/requirements.ts'
import { Placement } from './placement.ts'

const classOf = (id: number, label: string): RequirementClass =>
  requirementClass(id, classText(1, 2, JSON.stringify({ labels: [label] }))) as RequirementClass

it('a class that has the number of one that never became durable is another class', () => {
  const placement = new Placement(() => {})
  placement.learn(
    {
      ...{ hosts: ['a'], addresses: [], platform: 'linux/x64', user: 'u', uid: 1, group: 'u', gid: 1 },
      ...{ isRoot: false, mounts: [], cpus: 1, memory: 1, labels: ['old'] },
    },
    {},
  )
  const old = classOf(7, 'old')
  expect(placement.takes(old)).toBe(true)
  // the commit that named it failed, and the shard was opened anew
  expect(placement.takes(classOf(7, 'new'))).toBe(false)
  expect(placement.takes(old)).toBe(true)
})
