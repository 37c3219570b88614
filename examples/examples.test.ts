/**
 * The small examples print what they promise.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run, withFolder } from './testdata/run-example.ts'

const EXPECTED: Record<string, readonly string[]> = {
  graph: [
    'publish the code, after the code: succeeded',
    'publish all, after both: failed (DEPENDENCY_FAILED)',
    'publish the docs, or be cancelled: cancelled (DEPENDENCY_FAILED)',
    'report, whatever became of the docs: succeeded',
    'both (a group): failed (DEPENDENCY_FAILED)',
    'build the docs: failed (HANDLER_FAILED)',
    'build the code: succeeded',
  ],
  limits: ['ada', 'bo', 'cy'].map((name) => `${name}: 10 jobs, never more than 2 at once`),
  retries: [
    'flaky: succeeded after 3 attempts: succeeded at attempt 3',
    'payment with a good card: succeeded after 2 attempts: paid',
    'payment with an expired card: failed after 1 attempt: HANDLER_FAILED: the card has expired',
    'slow: failed after 1 attempt: TIMEOUT: ',
  ],
  keys: [
    'same job: true; created: true, then false',
    'another order under that key: KEY_CONFLICT',
    'three wishes, 1 job',
    'invoice of order 17',
    '/home is fresh',
    'after its end the page can be refreshed again: true',
  ],
  order: [
    // paid and reserved in the first life, and not once more
    'the second life\n  ship the lamp\napproved: the lamp is on its way',
    '  put the chair back\n  refund card 1881\ndeclined: the order of the chair was declined',
    '  put the table back\n  refund card 5100\ncancelled: The job was cancelled: the customer changed their mind.',
  ],
  approval: [
    "ada is asked: Pay 80 for chairs? { what: 'chairs', amount: 80, budget: 100 }\nasked again: it is not more than 80\n",
    'ada had 70 paid for chairs\nada does not want a boat\n',
  ],
  telegram: [
    'Telegram is a stand-in here',
    'ada says yes to 1.0\n1.0 is out\n',
    'ada says no to 1.1\n1.1 is put off\n',
  ],
  polling: ['seen: packed, shipped, done\n', 'more than one life of the journal: true\n'],
  'map-reduce': ['a job per page: true\n', '\nperdure: '],
  processes: ['200 jobs were run by', 'a worker drained and ended with exit code 0'],
  progress: ['job 1 is ready', 'job 1 is running', 'result: { frames: 3 }', 'log: frame 3 is drawn'],
}

test.each(Object.entries(EXPECTED))('%s', (name, lines) =>
  withFolder(async (cwd) => {
    const file = join(import.meta.dirname, name, `${name}.ts`)
    const { code, stdout, stderr } = await run(process.execPath, [file], { cwd })
    expect(stderr).toBe('')
    for (const line of lines) expect(stdout).toContain(line)
    expect(code).toBe(0)
  }),
)

test('farm.sh', () =>
  withFolder(async (cwd) => {
    const file = join(import.meta.dirname, 'farm', 'farm.sh')
    const { code, stdout, stderr } = await run('sh', [file], { cwd })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    for (const number of [1, 2, 3, 4, 5, 6]) expect(stdout).toContain(`${number}.txt.gz\n`)
    expect(stdout).toContain('7\tsucceeded\n8\tsucceeded\n')
    expect(stdout).toContain('\njob 7 is done\n')
    expect(stdout).toContain('ready (no worker is here for its queue and kind)')
    expect(stdout).toContain('\njob with a gpu\n')
  }))
