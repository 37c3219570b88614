import { describe, expect, it } from 'vitest'
import { fc } from '../std/testdata/properties.ts'
import { readEnvironment } from './environment.ts'
import { readConfigText } from './file.ts'
import type { Given, Origin } from './layers.ts'
import { resolve } from './resolve.ts'
import { SCHEMA, settingsOf, variableOf } from './schema.ts'

const fromFile = (text: string) => readConfigText(text, 'perdure.yaml', SCHEMA)
const fromEnv = (env: Record<string, string>) => readEnvironment(env, SCHEMA)
const flag = (path: string, value: string, where = '--flag'): Given => ({ path, value, isText: true, where })

function find(settings: ReturnType<typeof resolve>['settings'], path: string) {
  const found = settings.find((setting) => setting.path === path)
  if (found === undefined) throw new Error(`no setting ${path}`)
  return found
}

describe('a file', () => {
  it('gives values with the place where they stand', () => {
    const { given, problems } = fromFile(
      '# mine\nworker:\n  concurrency: 8\n  drain: 1m30s\njobs: {grace: 2s}\n',
    )
    expect(problems).toEqual([])
    expect(given.map(({ path, value, where }) => [path, value, where])).toEqual([
      ['worker.concurrency', 8, 'perdure.yaml:3:16'],
      ['worker.drain', '1m30s', 'perdure.yaml:4:10'],
      ['jobs.grace', '2s', 'perdure.yaml:5:15'],
    ])
  })

  it.each([
    ['', 'nothing'],
    ['# only a comment\n', 'nothing'],
    ['worker:\n', 'an empty section'],
    ['worker:\n  name:\n', 'an empty value'],
  ])('%j gives nothing', (text) => expect(fromFile(text)).toMatchObject({ given: [], problems: [] }))

  it.each([
    ['worker:\n  concurency: 8\n', 'perdure.yaml:2:3', 'Did you mean concurrency?'],
    ['wroker:\n  concurrency: 8\n', 'perdure.yaml:1:1', 'Did you mean worker?'],
    ['concurrency: 8\n', 'perdure.yaml:1:1', 'It is known as worker.concurrency'],
    ['__proto__: {polluted: true}\n', 'perdure.yaml:1:1', 'Leave it out'],
    ['worker:\n  constructor: 1\n', 'perdure.yaml:2:3', 'found "constructor"'],
    ['worker: 8\n', 'perdure.yaml:1:9', 'expected worker to be a mapping'],
    ['- worker\n', 'perdure.yaml:1:1', 'expected the file to be a mapping'],
    ['worker:\n  drain: 5s\n  drain: 6s\n', 'perdure.yaml:3:3', 'Map keys must be unique'],
    ['worker: {drain: 5s\n', 'perdure.yaml:', 'expected YAML'],
    ['worker:\n  name: !!js/function "x"\n', 'perdure.yaml:2:9', 'Unresolved tag'],
    ['worker: &w {drain: 5s}\njobs: *w\n', 'perdure.yaml:2:7', 'an alias'],
  ])('%j is refused', (text, where, message) => {
    const [problem] = fromFile(text).problems
    expect(problem?.where).toContain(where)
    expect(problem?.message).toContain(message)
    expect({}).not.toHaveProperty('polluted')
  })

  it('does not unfold aliases without end', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
    for (const letter of 'bcdefgh') {
      const before = String.fromCharCode(letter.charCodeAt(0) - 1)
      bomb.push(`${letter}: &${letter} [${Array(10).fill(`*${before}`).join(',')}]`)
    }
    const text = `worker:\n  queues:\n${bomb.map((line) => `    ${line}`).join('\n')}\n`
    expect(fromFile(text).problems[0]?.message).toContain('Excessive alias count')
    const long = `# ${'x'.repeat(1024 * 1024)}`
    expect(fromFile(long).problems[0]?.message).toContain('expected at most')
  })

  it('never throws, whatever it holds', () => {
    const piece = fc.constantFrom(
      'worker',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      '&a',
      '*a',
      '"',
      "'",
      '!',
      '0',
      'drain',
      '|',
      '?',
      '\0',
      '<<',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { given, problems } = fromFile(pieces.join(''))
        expect(resolve(SCHEMA, { file: given }).settings.length).toBeGreaterThan(10)
        for (const { where, message } of problems) {
          expect(where).toMatch(/^perdure\.yaml:\d+:\d+$/)
          expect(message).toMatch(/^expected .*; found .*\.$/s)
        }
      }),
    )
  })
})

describe('the environment', () => {
  it('has a variable for every setting, and each only once', () => {
    const variables = [...settingsOf(SCHEMA)].map(variableOf)
    expect(new Set(variables).size).toBe(variables.length)
    expect(variables).toContain('PERDURE_URL')
    expect(variables).toContain('PERDURE_WORKER_MAX_PENDING_OUTPUT')
    expect(variables).toContain('PERDURE_JOBS_RETENTION_FAILED')
  })

  it('gives texts, which mean what they would in a file', () => {
    const { given } = fromEnv({ PERDURE_WORKER_QUEUES: 'video=4,audio=2', PERDURE_WORKER_CONCURRENCY: '6' })
    const { config, problems } = resolve(SCHEMA, { environment: given })
    expect(problems).toEqual([])
    expect(config.worker).toMatchObject({ queues: { video: 4, audio: 2 }, concurrency: 6 })
    const names = resolve(SCHEMA, { environment: fromEnv({ PERDURE_WORKER_QUEUES: 'video,audio' }).given })
    expect(names.config.worker.queues).toEqual(['video', 'audio'])
    const off = resolve(SCHEMA, { environment: fromEnv({ PERDURE_NODE_METRICS: 'off' }).given })
    expect(off.config.node.metrics).toBe(false)
  })

  it('refuses what looks like a setting and is none, and lets the marks of jobs alone', () => {
    const { given, problems } = fromEnv({
      PERDURE_WORKER_CONCURENCY: '8',
      PERDURE_JOB: '17',
      PERDURE_STORE: '/a.db',
      PERDURE_TOKEN: 't',
      PERDURE_WORKER_NAME: '',
    })
    expect(given).toEqual([])
    expect(problems).toMatchObject([
      {
        where: 'PERDURE_WORKER_CONCURENCY',
        message: expect.stringContaining('Did you mean PERDURE_WORKER_CONCURRENCY?'),
      },
    ])
  })
})

describe('precedence', () => {
  const file = fromFile('worker:\n  concurrency: 1\n  drain: 1s\n  name: file\n').given
  const environment = fromEnv({ PERDURE_WORKER_CONCURRENCY: '2', PERDURE_WORKER_DRAIN: '2s' }).given

  it('is flag, environment, file, default', () => {
    const { config, settings } = resolve(SCHEMA, {
      file,
      environment,
      flag: [flag('worker.concurrency', '3')],
    })
    expect(config.worker).toMatchObject({ concurrency: 3, drain: 2_000, name: 'file', processes: 0 })
    expect(find(settings, 'worker.concurrency')).toMatchObject({
      origin: 'flag',
      where: '--flag',
      hidden: ['perdure.yaml:2:16', 'PERDURE_WORKER_CONCURRENCY'],
    })
    expect(find(settings, 'worker.drain').origin).toBe('environment')
    expect(find(settings, 'worker.name').origin).toBe('file')
    expect(find(settings, 'worker.processes').origin).toBe('default')
  })

  it('holds for every set of layers', () => {
    const layer = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined })
    fc.assert(
      fc.property(fc.record({ file: layer, environment: layer, flag: layer }), (numbers) => {
        const given = (origin: Exclude<Origin, 'default'>) => {
          const number = numbers[origin]
          return number === undefined ? [] : [flag('worker.concurrency', String(number), origin)]
        }
        const resolution = resolve(SCHEMA, {
          file: given('file'),
          environment: given('environment'),
          flag: given('flag'),
        })
        const expected = numbers.flag ?? numbers.environment ?? numbers.file
        expect(resolution.config.worker.concurrency).toBe(expected)
      }),
    )
  })

  it('does not hide mistakes', () => {
    const wrong = fromFile('worker:\n  concurrency: many\n').given
    const { problems, config } = resolve(SCHEMA, { file: wrong, flag: [flag('worker.concurrency', '3')] })
    expect(config.worker.concurrency).toBe(3)
    expect(problems).toMatchObject([
      { where: 'perdure.yaml:2:16', message: expect.stringContaining('found "many"') },
    ])
  })

  it.each([
    ['worker: {drain: 30}', "Say the unit, as in '30ms' or '30s'"],
    ['jobs: {lease: 10ms}', 'at least 100ms'],
    ['worker: {queues: []}', 'a list of queues, or a mapping'],
    ['worker: {queues: {a: 0}}', 'worker.queues.a'],
    ['worker: {queues: [1]}', 'worker.queues[0]'],
    ['worker: {memory: 1KiB}', 'from 16MiB'],
    ['node: {metrics: yes}', 'true or false'],
    ['node: {port: 70000}', 'a whole number from 0 to 65535'],
  ])('%s is refused', (text, message) => {
    const { problems } = resolve(SCHEMA, { file: fromFile(text).given })
    expect(problems.map((problem) => problem.message).join()).toContain(message)
  })

  it('reads back whatever it writes', () => {
    const { settings } = resolve(SCHEMA, { file: fromFile('jobs: {retention: {failed: ever}}').given })
    for (const { setting, value, path } of settings) {
      if (value === undefined) continue
      expect(setting.kind.read(path, setting.write(value))).toEqual(value)
    }
  })
})
