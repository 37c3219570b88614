/**
 * Mutant: a known defect as a change of source text, made while the module is loaded. The package itself has
 * no switches; see docs/decisions.
 */

/** One change: `find` stands in the file exactly once. */
export interface Edit {
  /** Path from the root of the repository. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A defect, and who finds it. */
export interface Mutant {
  readonly name: string
  /** What went wrong, and where. */
  readonly recreates: string
  readonly edits: readonly Edit[]
  /** Ids of the invariants that may be the first to find it. */
  readonly caughtBy: readonly string[]
  /** Faults and features without which the defect does not show; every world of the hunt has them. */
  readonly needs?: readonly string[]
  /** The first seed to try: one that is known to find it, so that a hunt is short. Default 1. */
  readonly from?: number
}

/** The text with the changes made. Throws where a text to find is not there exactly once. */
export function patch(file: string, source: string, { name, edits }: Mutant): string {
  let text = source
  for (const { find, replace } of edits.filter((edit) => edit.file === file)) {
    const times = text.split(find).length - 1
    if (times !== 1)
      throw new Error(
        `mutant ${name} no longer fits: expected its text once in ${file}; found it ${times} times: ${find}`,
      )
    text = text.replace(find, () => replace)
  }
  return text
}
