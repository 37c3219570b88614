/** What is taken for a path, and what is known of it then. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hintOf } from './hints.ts'

const folder = mkdtempSync(join(tmpdir(), 'perdure-hints-'))
afterAll(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'in/deep'), { recursive: true })
writeFileSync(join(folder, 'in/one.dat'), Buffer.alloc(250_000))
writeFileSync(join(folder, 'in/deep/two.dat'), Buffer.alloc(50_000))

describe('hints', () => {
  it('add up the files, and name the longest path', () => {
    expect(hintOf(['cp', 'in/one.dat', '--to=in/deep/two.dat'], folder)).toEqual({
      path: join(folder, 'in/deep/two.dat'),
      durationMs: 3,
    })
  })

  it('name the longest part of a path that exists', () => {
    expect(hintOf(['touch', 'in/deep/not/there.txt'], folder)).toEqual({ path: join(folder, 'in/deep') })
    expect(hintOf(['ls', `${folder}/in`], '/')).toEqual({ path: join(folder, 'in') })
  })

  it.each([[['echo', 'hello']], [['curl', 'https://example.org/a/b']], [['make', '-j4', '--', '..']], [[]]])(
    'are none for %j',
    (words) => {
      expect(hintOf(words, folder)).toBeUndefined()
    },
  )
})
