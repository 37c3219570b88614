/**
 * All mutants.
 */
import { OF_CONVERSATIONS } from './conversations.ts'
import { FIELD_ENGINE } from './field-engine.ts'
import { FIELD_JOBS } from './field-jobs.ts'
import type { Mutant } from './mutant.ts'
import { OWN } from './own.ts'
import { OF_WORKFLOWS } from './workflows.ts'

/** Every known defect that applies to what exists. */
export const MUTANTS: readonly Mutant[] = [
  ...FIELD_JOBS,
  ...FIELD_ENGINE,
  ...OWN,
  ...OF_WORKFLOWS,
  ...OF_CONVERSATIONS,
]
