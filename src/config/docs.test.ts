import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { codeBlocks } from '../../scripts/lib/markdown.ts'
import { withSettings } from '../../scripts/settings-table.ts'
import { readConfigText } from './file.ts'
import { resolve } from './resolve.ts'
import { SCHEMA } from './schema.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'configuration.md'), 'utf8')

it('the page lists every setting as it is (else: node scripts/settings-table.ts)', () => {
  expect(page).toContain('| `worker.drain` | `25s` | yes | `PERDURE_WORKER_DRAIN` | `--drain` |')
  expect(page).toBe(withSettings(page))
})

it('the file on the page is a good one', () => {
  const [example] = codeBlocks(page).filter(({ language }) => language === 'yaml')
  const { given, problems } = readConfigText(example?.text ?? '', 'perdure.yaml', SCHEMA)
  expect(problems).toEqual([])
  expect(resolve(SCHEMA, { file: given })).toMatchObject({
    problems: [],
    config: {
      worker: { queues: { video: 4, audio: 2 }, drain: 120_000 },
      jobs: { retention: { failed: 2_592_000_000 } },
    },
  })
})
