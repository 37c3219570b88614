/**
 * An agent that looks at something again and again, for as long as it takes. After a number of looks it begins anew, so that its
 * journal stays short however long it lives.
 */
import { readFile } from 'node:fs/promises'
import { workflow } from '../../src/index.ts'

/** What is looked at, and what was seen so far. */
export interface Watch {
  readonly file: string
  /** Between two looks, ms. */
  readonly everyMs: number
  /** Looks until the run begins anew. */
  readonly each: number
  readonly looks: number
  readonly seen: readonly string[]
}

export const watcher = workflow('watcher', {
  run: async (
    flow,
    { file, everyMs, each, looks, seen }: Watch,
  ): Promise<{ looks: number; seen: readonly string[] }> => {
    const found = [...seen]
    for (let look = 1; look <= each; look++) {
      const text = await flow.step(`look ${look}`, () =>
        readFile(file, 'utf8').then((content) => content.trim()),
      )
      if (text !== found.at(-1)) found.push(text)
      if (text === 'done') return { looks: looks + look, seen: found }
      // it takes no worker and next to no memory until then
      await flow.sleep(everyMs)
    }
    return flow.continueAsNew({ file, everyMs, each, looks: looks + each, seen: found })
  },
})
