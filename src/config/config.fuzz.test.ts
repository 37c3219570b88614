/** Whatever stands in files, variables and flags: settings that can be used, or problems that name their place. */
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { json, nearly, outcomeOf, RUNS, text } from '../std/testdata/fuzz.ts'
import { fc } from '../std/testdata/properties.ts'
import { readEnvironment } from './environment.ts'
import { readConfigText } from './file.ts'
import { type Resolution, resolve } from './resolve.ts'
import { type Group, SCHEMA, settingsOf, variableOf } from './schema.ts'
import { Setting } from './setting.ts'

const SETTINGS = [...settingsOf(SCHEMA)]

/** Values as people write them, right and wrong. */
const value = fc.oneof(
  fc.constantFrom<unknown>(
    '5m',
    '1s',
    '64KiB',
    '2GiB',
    'true',
    'yes',
    true,
    false,
    0,
    1,
    8,
    1e9,
    'a,b',
    ['a', 'b'],
    {},
  ),
  json,
)

/** A mapping as deep as the schema, with some names too many. */
function groupOf(group: Group): fc.Arbitrary<Record<string, unknown>> {
  return nearly(
    Object.fromEntries(
      Object.entries(group).map(([name, part]) => [name, part instanceof Setting ? value : groupOf(part)]),
    ),
    json,
  )
}

/** What counts was read by its own setting, and what is wrong says where. */
function mustMakeSense({ settings, problems, config }: Resolution): void {
  expect(Object.keys(config).sort()).toEqual(Object.keys(SCHEMA).sort())
  for (const { where, message } of problems) {
    expect(where).not.toBe('')
    expect(message).toMatch(/found/)
  }
  for (const { path, setting, value, origin } of settings) {
    if (origin === 'default') continue
    const written = setting.write(value)
    expect([path, setting.write(setting.kind.read(path, written))]).toEqual([path, written])
  }
}

describe('a file', () => {
  it('gives settings or problems, for every text', () => {
    const punctuation = fc.constantFrom(
      'worker',
      'jobs',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '&a',
      '*a',
      '<<',
      '{',
      '}',
      '[',
      '"',
      '#',
      '!!',
      '%',
      '|',
      '8',
      '5m',
    )
    const yaml = fc.oneof(
      text,
      fc.array(punctuation, { maxLength: 40 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(yaml, (written) => {
        const { given, problems } = readConfigText(written, 'perdure.yaml', SCHEMA)
        for (const { where } of [...given, ...problems]) expect(where).toMatch(/^perdure\.yaml:\d+:\d+$/)
        mustMakeSense(resolve(SCHEMA, { file: given }))
      }),
      RUNS,
    )
  })

  it('gives settings or problems, for every mapping that is nearly right', () => {
    fc.assert(
      fc.property(groupOf(SCHEMA), (mapping) => {
        const came = outcomeOf(() => readConfigText(stringify(mapping), 'perdure.yaml', SCHEMA))
        if ('code' in came) throw new Error(`expected problems, not ${came.code}`)
        mustMakeSense(resolve(SCHEMA, { file: came.value.given }))
      }),
      RUNS,
    )
  })
})

describe('variables and flags', () => {
  it('give settings or problems, for every text, and flags win', () => {
    const words = fc.oneof(text, fc.constantFrom('5m', '0', '1', 'yes', 'off', '64KiB', 'a,b', '-1', '8'))
    const chosen = fc.constantFrom(...SETTINGS)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(chosen, words)),
        fc.array(fc.tuple(chosen, words)),
        (variables, flags) => {
          const env = Object.fromEntries(variables.map(([placed, word]) => [variableOf(placed), word]))
          const environment = readEnvironment(env, SCHEMA)
          const flag = flags.map(([{ path }, word]) => ({
            path,
            value: word,
            isText: true,
            where: `--${path}`,
          }))
          const resolution = resolve(SCHEMA, { environment: environment.given, flag })
          mustMakeSense(resolution)
          for (const { path } of flag) {
            const found = resolution.settings.find((setting) => setting.path === path)
            const isRefused = resolution.problems.some(({ where }) => where === `--${path}`)
            expect(isRefused || found?.origin === 'flag').toBe(true)
          }
        },
      ),
      RUNS,
    )
  })
})
