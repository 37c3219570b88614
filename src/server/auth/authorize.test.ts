/** What depends on more than the name of a call; the table test has all that does not. */
import { expect, it } from 'vitest'
import type { Role } from '../../config/grant.ts'
import { authorize } from './authorize.ts'
import { callerOf } from './caller.ts'

it.each<[roles: readonly Role[], options: unknown, isAllowed: boolean]>([
  [['operator'], {}, true],
  [['operator'], null, true],
  [['operator'], { from: 2, version: '3' }, true],
  [['operator'], { input: 1 }, false],
  [['operator', 'producer'], { input: 1 }, true],
  [['producer'], {}, false],
  [['admin'], { input: null }, true],
])('%s may fork a run with %j: %s', (roles, options, isAllowed) => {
  const caller = callerOf({ id: 'a', name: 'a' }, { roles })
  const act = () => authorize({ caller, method: 'workflows.fork', values: [1, options] })
  if (isAllowed) act()
  else expect(act).toThrow('a caller with the right to')
})
