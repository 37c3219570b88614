/** Every scenario, in the order in which they run. */
import type { Scenario } from '../scenario.ts'
import { damage } from './damage.ts'
import { full } from './full.ts'
import { kill } from './kill.ts'
import { pause } from './pause.ts'
import { syncError } from './sync-error.ts'
import { syncKill } from './sync-kill.ts'

export const SCENARIOS: readonly Scenario[] = [kill, syncKill, syncError, full, pause, damage]
