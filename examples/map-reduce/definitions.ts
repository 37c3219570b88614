/**
 * Map and reduce over files: a job per file counts its words, a few at a time; the workflow adds them up.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { job, workflow } from '../../src/index.ts'

/** How often each word was found. */
export type Counts = Readonly<Record<string, number>>

export const countWords = job('count-words', {
  run: async (file: string): Promise<Counts> => {
    const counts: Record<string, number> = {}
    for (const [word] of (await readFile(file, 'utf8')).toLowerCase().matchAll(/[a-z]{4,}/g))
      counts[word] = (counts[word] ?? 0) + 1
    return counts
  },
})

export const mostWords = workflow('most-words', {
  run: async (flow, { folder, most }: { folder: string; most: number }) => {
    // what the world says now is a step: a file that comes later does not change what this run does
    const files = await flow.step('list', async () =>
      (await readdir(folder)).filter((name) => name.endsWith('.md')).sort(),
    )
    const counts = await flow.map(files, (name, _, own) => own.call(countWords, join(folder, name)), {
      concurrency: 4,
    })
    const sums = new Map<string, number>()
    for (const own of counts)
      for (const [word, count] of Object.entries(own)) sums.set(word, (sums.get(word) ?? 0) + count)
    const sorted = [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    return { files: files.length, words: sorted.slice(0, most) }
  },
})
