/**
 * The program of the README: durable jobs over files, in twenty lines. Kill it at any moment and start it again:
 * it carries on where it was, and enqueues nothing twice.
 */
import { readFileSync } from 'node:fs'
import { createShellExecutor, draft, group, job, open, type ShellInput } from '../../src/index.ts'

const compress = job<ShellInput>('shell')
const measure = job('measure', { run: (file: string) => readFileSync(file, 'utf8').split('\n').length })
const manifest = job('manifest', {
  run: async () =>
    (await app.list({ kind: 'measure', limit: 1_000 })).jobs.map((of) => `${of.input}: ${of.result} lines`),
})
await using app = await open('sqlite:./files.db')
app.work([measure, manifest], { concurrency: 8, executors: { shell: createShellExecutor() } })
const files = process.argv.slice(2)
const tasks = files.flatMap((file) => [
  draft(compress, { script: 'gzip -c "$1" > "$1.gz"', args: [file] }),
  draft(measure, file),
])
const all = group(tasks)
const last = draft(manifest, undefined, { after: [all] })
const [done] = await app.enqueueMany([last, all, ...tasks], { request: 'files' })
console.log((await done.result()).join('\n'))
