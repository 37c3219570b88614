/** `/metrics` as a scraper reads it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../embedded.ts'
import { serveHttp } from '../http/serve.ts'
import { Meter } from './meter.ts'
import { readExposition } from './testdata/exposition.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** The page of a node that has done a little of everything. */
async function scrape(): Promise<{ readonly type: string | null; readonly text: string }> {
  const meter = new Meter()
  const client = await openEmbedded({ store: 'memory', meter })
  const served = await serveHttp(client, { host: '127.0.0.1', port: 0, meter })
  cleanups.push(
    () => client.close(),
    () => served.close(),
  )
  await client.enqueue([
    { kind: 'a', queue: 'größe' },
    { kind: 'a', queue: 'a.b:c/d@e-f', delayMs: 60_000 },
    { kind: 'a', queue: 'größe' },
  ])
  const session = await client.openWorker({ name: 'w', host: 'elsewhere.example', pid: 1 })
  const [lease] = await session.poll({ queues: ['größe'], kinds: ['a'], slots: 1 })
  await session.report([{ token: lease?.token ?? '', outcome: { type: 'succeeded' } }])
  const answer = await fetch(`${served.url}/metrics`)
  return { type: answer.headers.get('content-type'), text: await answer.text() }
}

describe('/metrics', () => {
  it('can be read to the last line, and says in which form', async () => {
    const { type, text } = await scrape()
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
    const families = readExposition(text)
    const jobs = families.get('perdure_jobs')?.samples ?? []
    expect(jobs.find(({ labels }) => labels.queue === 'größe' && labels.state === 'ready')?.value).toBe(1)
    expect(
      jobs.find(({ labels }) => labels.queue === 'a.b:c/d@e-f' && labels.state === 'scheduled')?.value,
    ).toBe(1)
    expect(families.get('perdure_ready_to_start_seconds')?.type).toBe('histogram')
  })

  it('holds what the page about nodes lists, and nothing else of Perdure', async () => {
    const { text } = await scrape()
    const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'operations.md'), 'utf8')
    const listed = [...page.matchAll(/^\| `(perdure_\w+)/gm)].map(([, name]) => name)
    const found = [...readExposition(text).keys()].filter((name) => name.startsWith('perdure_'))
    expect(found.sort()).toEqual(listed.sort())
  })
})

describe('what reads it', () => {
  const head = '# HELP a_total Some\n# TYPE a_total counter\n'
  const histogram = (...lines: string[]) => `# HELP h H\n# TYPE h histogram\n${lines.join('\n')}\n`
  const whole = ['h_bucket{le="1"} 1', 'h_bucket{le="+Inf"} 2', 'h_sum 3', 'h_count 2']

  it.each([
    ['labels', `${head}a_total{x="1",y="a\\"b\\\\c\\nd"} 1e3\na_total 0\n`],
    ['a histogram', histogram(...whole)],
    ['no samples', head],
    [
      'odd numbers',
      '# HELP g G\n# TYPE g gauge\ng NaN\n# HELP i I\n# TYPE i gauge\ni Nan\n\n# HELP h H\n# TYPE h gauge\nh -Inf\n',
    ],
  ])('takes %s', (_, text) => {
    expect(() => readExposition(text)).not.toThrow()
  })

  it.each([
    ['an end without a newline', `${head}a_total 1`],
    ['a sample without a type', 'a_total 1\n'],
    ['no help', '# TYPE a_total counter\na_total 1\n'],
    ['an unknown type', '# HELP a A\n# TYPE a number\n'],
    ['a family twice', `${head}a_total 1\n${head}`],
    ['a sample of another family', `${head}b_total 1\n`],
    ['a series twice', `${head}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`],
    ['a label twice', `${head}a_total{x="1",x="2"} 1\n`],
    ['a quote that is not escaped', `${head}a_total{x="a"b"} 1\n`],
    ['an unknown escape', `${head}a_total{x="\\t"} 1\n`],
    ['a name of a label', `${head}a_total{x-y="1"} 1\n`],
    ['no number', `${head}a_total one\n`],
    ['a counter below nothing', `${head}a_total -1\n`],
    ['a counter by another name', '# HELP a A\n# TYPE a counter\na 1\n'],
    ['a comment', `${head}# a comment\n`],
    ['bounds in another order', histogram('h_bucket{le="2"} 1', ...whole)],
    ['counts that fall', histogram('h_bucket{le="0.5"} 3', ...whole)],
    ['no last bucket', histogram('h_bucket{le="1"} 2', 'h_sum 3', 'h_count 2')],
    ['another count', histogram(...whole.slice(0, 3), 'h_count 3')],
    ['no sum', histogram(...whole.slice(0, 2), 'h_count 2')],
  ])('refuses %s', (_, text) => {
    expect(() => readExposition(text)).toThrow()
  })
})
