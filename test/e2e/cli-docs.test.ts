/**
 * The examples of docs/cli.md: each box is run in an empty folder, and must print what the page says.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { blocksOf, Shell, stepsOf } from './testdata/console.ts'

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
const boxes = blocksOf(page).filter(({ language }) => language === 'console')

describe('docs/cli.md', () => {
  it('has boxes to run', () => expect(boxes.length).toBeGreaterThan(5))

  it.each(boxes.map(({ text }) => [text.split('\n')[0] ?? '', text] as const))('%s', (_, text) => {
    using shell = new Shell()
    for (const step of stepsOf(text)) shell.run(step)
  })
})
