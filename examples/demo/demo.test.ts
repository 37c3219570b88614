/**
 * The demo as a program, and the parts of its proof: each must be able to say no.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { run, withFolder } from '../testdata/run-example.ts'
import { planFolders } from './plan.ts'
import { computeDirectly, readLedger, wrongInArchives } from './proof.ts'

const DEMO = join(import.meta.dirname, 'demo.ts')

test('tells and proves its story, also in folders with spaces, and leaves nothing behind', () =>
  withFolder(async (folder) => {
    const home = join(folder, 'a folder')
    const tree = join(home, 'the tree')
    for (const name of ['one', '@scope/two']) {
      mkdirSync(join(tree, name), { recursive: true })
      for (let number = 0; number < 80; number++) {
        writeFileSync(join(tree, name, `file ${number}.json`), number % 10 === 0 ? '{' : `[${number}]\n`)
      }
    }
    const before = readdirSync(home)
    const { code, stdout, stderr } = await run(process.execPath, [DEMO, '--tree', tree], {
      cwd: home,
      env: { TMPDIR: home },
    })
    expect({ code, stdout }).toMatchObject({ code: 0 })
    // 160 files, 3 + 3 batches of 32, 2 groups and the manifest
    expect(stdout).toContain('yes  every job succeeded: 169 of 169\n')
    expect(stdout).toMatch(/worker 1 was killed \(SIGKILL\): \d+ jobs done/)
    expect(stdout.match(/^ {2}yes /gm)).toHaveLength(5)
    expect(stderr).toContain('169 of 169 jobs\n')
    expect(readdirSync(home)).toEqual(before)
  }))

test('ends with exit code 1 when a job fails', () =>
  withFolder(async (folder) => {
    const args = [DEMO, '--files', '40']
    // without gzip no shell job can succeed
    const { code, stdout } = await run(process.execPath, args, { cwd: folder, env: { PATH: folder } })
    expect(code).toBe(1)
    expect(stdout).toContain('The demo failed: DEPENDENCY_FAILED')
  }))

test('explains its options, and refuses others', () =>
  withFolder(async (cwd) => {
    expect(await run(process.execPath, [DEMO, '--help'], { cwd })).toMatchObject({ code: 0, stderr: '' })
    const wrong = await run(process.execPath, [DEMO, '--files', 'many'], { cwd })
    expect(wrong.code).toBe(64)
    expect(wrong.stderr).toContain("expected --files to be a whole number from 1, found 'many'")
  }))

test('the ledger shows runs that overlap', () => {
  expect(readLedger('begin 1 1\nend 1 1\nbegin 2 1\nkill\nbegin 2 2\nend 2 2\n')).toEqual({
    runs: 3,
    cutOff: 1,
    overlaps: [],
  })
  expect(readLedger('begin 1 1\nbegin 1 2\n').overlaps).toEqual(['job 1 attempt 2'])
  expect(readLedger('begin 1 1\nend 1 1\nbegin 1 1\n').overlaps).toEqual(['job 1 attempt 1'])
  // a command that outlived its worker and the start of the next attempt
  expect(readLedger('begin 1 1\nkill\nbegin 1 2\nend 1 1\nend 1 2\n').overlaps).toEqual(['job 1 attempt 1'])
})

test('archives are held against the files', () =>
  withFolder(async (folder) => {
    const root = join(folder, 'tree')
    mkdirSync(join(root, 'one'), { recursive: true })
    writeFileSync(join(root, 'one', 'a.txt'), 'first')
    writeFileSync(join(root, 'one', 'b.txt'), 'second')
    const folders = planFolders(root, 10)
    const expected = computeDirectly(root, folders)
    const archive = join(folder, '0-0.gz')
    expect(wrongInArchives(folder, folders, expected)).toHaveLength(1)
    writeFileSync(archive, Buffer.concat([gzipSync('first'), gzipSync('second')]))
    expect(wrongInArchives(folder, folders, expected)).toEqual([])
    writeFileSync(archive, Buffer.concat([gzipSync('first'), gzipSync('seconds')]))
    expect(wrongInArchives(folder, folders, expected)).toEqual(['0-0.gz: 1 bytes too many'])
    writeFileSync(archive, Buffer.concat([gzipSync('fist!'), gzipSync('second')]))
    expect(wrongInArchives(folder, folders, expected)).toEqual([join('one', 'a.txt')])
  }))
