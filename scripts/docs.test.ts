/**
 * The docs say what is so: links lead somewhere, code type-checks, and pages that follow from the code are in step with it.
 */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLegalMove, JOB_STATES, stateCode } from '../src/core/model/states.ts'
import { ERROR_KINDS, type ErrorCode } from '../src/errors.ts'
import { anchors, codeBlocks, localLinks, prose } from './lib/markdown.ts'
import { movesFrom, withLifeCycle } from './life-cycle.ts'
import { figures, NOT_MEASURED, readResults, withFigures } from './readme-figures.ts'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  join('examples', 'README.md'),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].sort()

describe('links', () => {
  test.each(PAGES)('%s', (page) => {
    const broken = localLinks(read(page)).filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), decodeURI(path))
      if (!existsSync(target) || relative(ROOT, target).startsWith('..')) return true
      return anchor !== undefined && !anchors(readFileSync(target, 'utf8')).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  test('a broken one is found', () => {
    expect(localLinks('[a](b.md#c) ![d](e.svg) [f](https://g.example)\n```ts\n[h](i)\n```\n')).toEqual([
      'b.md#c',
      'e.svg',
    ])
    expect(anchors('# The Life, of a Job\n\n## `x` and y\n')).toEqual(['the-life-of-a-job', 'x-and-y'])
  })

  test('every page can be reached from the README', () => {
    const seen = new Set<string>()
    const open = ['README.md']
    for (let page = open.pop(); page !== undefined; page = open.pop()) {
      if (seen.has(page)) continue
      seen.add(page)
      for (const link of localLinks(read(page))) {
        const [path = ''] = link.split('#')
        if (path.endsWith('.md')) open.push(relative(ROOT, resolve(ROOT, dirname(page), path)))
      }
    }
    // the entry of a site made of docs/, which links to the README
    expect(PAGES.filter((page) => !seen.has(page))).toEqual([join('docs', 'index.md')])
  })
})

describe('blocks of TypeScript type-check', () => {
  // in the tree, so that packages are found from there
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.cache', 'docs-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const blocks = PAGES.flatMap((page) =>
    codeBlocks(read(page))
      .filter(({ language }) => language === 'ts')
      .map((block) => ({ ...block, page })),
  )

  beforeAll(() => {
    for (const [index, { text }] of blocks.entries()) writeFileSync(join(folder, `block-${index}.ts`), text)
    const config = {
      extends: '../../tsconfig.json',
      compilerOptions: {
        paths: {
          perdure: ['../../src/index.ts'],
          'perdure/testing': ['../../src/testing/index.ts'],
        },
      },
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, include: ['*.ts'] }))
  })

  test('all of them', () => {
    expect(blocks.length).toBeGreaterThan(1)
    expect(compile(folder)).toBe('')
  })

  test('a wrong one is found', () => {
    writeFileSync(join(folder, 'wrong.ts'), "import { open } from 'perdure'\nopen(17)\n")
    expect(compile(folder)).toContain('wrong.ts(2,6): error TS2345')
    rmSync(join(folder, 'wrong.ts'))
  })
})

/** What the compiler has to say of the blocks; nothing when all is well. */
function compile(folder: string): string {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  try {
    return execFileSync(process.execPath, [tsc, '--noEmit', '-p', folder], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
  } catch (error) {
    const { stdout } = error as { stdout: string }
    // what is wrong in the source is the matter of another stage
    return stdout
      .split('\n')
      .filter((line) => /^\S*(block-\d+|wrong)\.ts\(/.test(line))
      .join('\n')
  }
}

describe('errors', () => {
  const codes = Object.keys(ERROR_KINDS) as ErrorCode[]

  test('one page per code, and no other', () => {
    const pages = readdirSync(join(ROOT, 'docs/errors')).filter((name) => name !== 'README.md')
    expect(pages.sort()).toEqual(codes.map((code) => `${code}.md`).sort())
  })

  test.each(codes)('%s', (code) => {
    const { title, exit, retryable } = ERROR_KINDS[code]
    const answer = retryable ? 'yes' : 'no'
    const page = read(`docs/errors/${code}.md`)
    expect(page.startsWith(`# ${code}\n\n**${title}.**\n`)).toBe(true)
    expect(page).toContain(`| exit code | retryable |\n|---|---|\n| ${exit} | ${answer} |\n`)
    const sections = page.split(/^## /m).slice(1)
    expect(sections.map((section) => section.split('\n')[0])).toEqual([
      'What it means',
      'What to do',
      'Example',
    ])
    for (const section of sections) expect(section.split('\n').slice(1).join('').length).toBeGreaterThan(20)
    const [example] = codeBlocks(page)
    // what a handler throws, and why somebody cancels, is told in their own words
    if (code === 'CANCELLED') expect(example?.text).toMatch(/^The job was cancelled: .+\.\n$/)
    else if (code !== 'HANDLER_FAILED') {
      const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      expect(example?.text).toMatch(new RegExp(`^${escaped}: expected .+; found .+\\. .+[.?]\n$`, 's'))
    }
    expect(read('docs/errors/README.md')).toContain(
      `| [${code}](${code}.md) | ${title} | ${exit} | ${answer} |\n`,
    )
  })
})

describe('the life cycle', () => {
  const page = read('docs/job-life-cycle.md')

  test('the table of moves is that of the code', () => {
    expect(withLifeCycle(page)).toBe(page)
    expect(movesFrom('ready')).toContain('running')
    expect(movesFrom('succeeded')).toEqual([])
  })

  test('every arrow of the diagram is a legal move, and every state is in it', () => {
    const [diagram] = codeBlocks(page).filter(({ language }) => language === 'mermaid')
    const arrows = [...(diagram?.text ?? '').matchAll(/^ {2}(\S+) --> (\w+)/gm)]
    expect(arrows.length).toBeGreaterThan(10)
    const named = new Set<string>()
    for (const [arrow, from = '', to = ''] of arrows) {
      named.add(to)
      if (from === '[*]') continue
      expect.soft(isLegalMove(stateCode(from) ?? 0, stateCode(to) ?? 0), arrow).toBe(true)
    }
    // workflows are not part of the usual ways
    expect(JOB_STATES.filter((state) => !named.has(state))).toEqual(['suspended'])
  })

  test('every state is explained', () => {
    for (const state of JOB_STATES) expect(page).toContain(`\n| \`${state}\` | `)
  })
})

describe('code that pages name is there', () => {
  test('the life of one job: functions stand in the file named before them', () => {
    const missing: string[] = []
    let checked = 0
    let source = ''
    let path = ''
    for (const [token] of prose(read('docs/one-job.md')).matchAll(/\]\(\.\.\/(src\/[^)]+)\)|`[^`]+`/g)) {
      const link = /^\]\(\.\.\/(.+)\)$/.exec(token)?.[1]
      if (link !== undefined) {
        path = link
        source = read(path)
        continue
      }
      const name = token.slice(1, -1)
      // names of functions and methods; anything else in code type is a value or a word
      if (source === '' || name.startsWith('src/') || !/^#?[a-z][A-Za-z]+$/.test(name)) continue
      if (WORDS.has(name)) continue
      checked++
      if (!new RegExp(`(^|[\\s.])${name}\\b`).test(source)) missing.push(`${name} in ${path}`)
    }
    expect(checked).toBeGreaterThan(40)
    expect(missing).toEqual([])
  })

  test('the tree: every folder of the source is in it', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      // git keeps no empty folder, but a working tree may have one
      .filter((name) => readdirSync(join(ROOT, 'src', name)).length > 0)
    const tree = read('docs/ARCHITECTURE.md').split('## The tree')[1]?.split('\n## ')[0] ?? ''
    expect(folders.filter((name) => !tree.includes(`src/${name}/`))).toEqual([])
  })

  test('invariants: files and functions of the table', () => {
    const table = read('docs/ARCHITECTURE.md').split('## Invariants')[1] ?? ''
    const source = sourcesBelow('src')
    const names = [...table.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
    const missing = names.filter((name) => {
      if (/^[a-z-]+\//.test(name)) return !existsSync(join(ROOT, 'src', name))
      const last = name.split('.').at(-1) ?? ''
      return /^#?[A-Za-z]+$/.test(last) && !new RegExp(`(^|[\\s.(])${last}\\b`).test(source)
    })
    expect(names.length).toBeGreaterThan(40)
    expect(missing).toEqual([])
  })
})

/** In code type, but not the name of a function. */
const WORDS = new Set(['gzip', 'shell', 'succeeded', 'ready', 'running', 'scheduled'])

function sourcesBelow(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && statSync(join(ROOT, folder, name)).isFile())
    .map((name) => read(join(folder, name)))
    .join('\n')
}

describe('figures of the README', () => {
  const RESULTS = [
    'Machine: two cores.',
    '',
    '| row | Perdure | floor | of floor | best peer |  | of peer | bar | met |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    '| embedded.e2e | 80,000 jobs/s | 130,000 | 0.62 | 20,000 | graphile | 4.0 | x | yes |',
    '| embedded.memory | 90 MB |  |  |  |  |  |  |  |',
  ].join('\n')

  test('are those of the bench', () => {
    expect(withFigures(read('README.md'), readResults())).toBe(read('README.md'))
  })

  test('are taken from the table of results, and never made up', () => {
    expect(figures(RESULTS)).toContain(
      '| jobs enqueued, run and finished | 80,000 jobs/s | 20,000 (graphile) | 4.0 | 0.62 |\n\nMachine: two cores.',
    )
    expect(figures(RESULTS)).not.toContain('90 MB')
    expect(figures(undefined)).toBe(NOT_MEASURED)
    expect(() => figures('nothing')).toThrow('expected a table')
  })
})
