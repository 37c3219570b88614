/**
 * The tutorial, from its first line to its last: its files are written and its commands run in one folder, as its
 * reader does, and print what it says.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { blocksOf, Shell, stepsOf } from './testdata/console.ts'

const page = readFileSync(new URL('../../docs/tutorial-workflows.md', import.meta.url), 'utf8')

it('docs/tutorial-workflows.md', () => {
  using shell = new Shell()
  let commands = 0
  for (const { language, text } of blocksOf(page)) {
    const [, file] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? []
    if (file !== undefined) writeFileSync(join(shell.work, file), text)
    if (language !== 'console') continue
    for (const step of stepsOf(text)) {
      shell.run(step)
      commands++
    }
  }
  expect(commands).toBeGreaterThan(10)
})
