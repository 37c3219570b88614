/**
 * Versions: which runs ask for which version of the code, and which workers have it. The code of all of them is the same: what
 * is looked at is where runs go.
 */
import { versionLabel } from '../../src/core/model/requirements.ts'
import type { Random } from '../random.ts'

/** What some workers have. */
const OLD = '1'
/** What all workers have that were started anew, and the first from its beginning. */
export const CURRENT = '2'
/** What nobody has: its runs wait until somebody moves them. */
const FUTURE = '3'

const labelOf = (version: string): string => versionLabel('flow', version)

/** The version that a run asks for. */
export function drawVersion(random: Random): string {
  return labelOf(random.weighted({ [OLD]: 45, [CURRENT]: 45, [FUTURE]: 10 }))
}

/** The labels of a worker, by the name of its life. */
export function versionLabelsOf(name: string): string[] {
  const isOld = name.startsWith('worker-') && !name.startsWith('worker-1.') && name.endsWith('.1')
  return (isOld ? [OLD] : [OLD, CURRENT]).map(labelOf)
}

/** Whether the labels ask for a version. */
export const hasVersion = (labels: readonly string[]): boolean =>
  labels.some((label) => label.startsWith(labelOf('')))

/** Whether nobody ever has what the labels ask for. */
export const isOfNobody = (labels: readonly string[]): boolean => labels.includes(labelOf(FUTURE))
