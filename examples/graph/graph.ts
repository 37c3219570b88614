/**
 * A graph of jobs, and what each edge does when the job in front of it fails.
 */
import { draft, group, job, open } from '../../src/index.ts'

const build = job('build', {
  retry: 1,
  run: (target: string) => {
    if (target === 'docs') throw new Error('a broken link')
    return `${target} built`
  },
})
const publish = job('publish', { run: () => 'published' })
const report = job('report', { run: () => 'reported' })

await using app = await open('memory:')
app.work([build, publish, report])

// drafts may stand in any order, and are enqueued all or none
const code = draft(build, 'code')
const docs = draft(build, 'docs')
const both = group([code, docs])
const handles = await app.enqueueMany([
  draft(publish, undefined, { after: [code] }),
  draft(publish, undefined, { after: [both] }),
  draft(publish, undefined, { after: [{ job: docs, onFailure: 'cancel' }] }),
  draft(report, undefined, { after: [code, { job: docs, onFailure: 'run' }] }),
  both,
  docs,
  code,
])

const names = [
  'publish the code, after the code',
  'publish all, after both',
  'publish the docs, or be cancelled',
  'report, whatever became of the docs',
  'both (a group)',
  'build the docs',
  'build the code',
]
for (const [index, handle] of handles.entries()) {
  const { state, error } = await handle.wait()
  console.log(`${names[index]}: ${state}${error === null ? '' : ` (${error.code})`}`)
}
