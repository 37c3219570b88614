/**
 * Takes away halves of coverage files, before Vitest reads what the processes of a test have written at their ends: one that
 * was killed while it wrote would fail the whole run.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'

// Set up before the hooks of a test file are, so that it runs after them.
afterAll(() => {
  const folder = process.env.NODE_V8_COVERAGE
  if (folder === undefined || !existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (!isWhole(path)) rmSync(path)
  }
})

/** Whether a file ends as a JSON object does. */
function isWhole(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const last = Buffer.alloc(1)
    readSync(file, last, 0, 1, Math.max(0, fstatSync(file).size - 1))
    return last.toString() === '}'
  } finally {
    closeSync(file)
  }
}
