/**
 * docs/protocol.md is one conversation with a new node: it is had here, line by line, and must go as the page says. And the
 * page has every call that there is.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { needProgram } from '../../scripts/lib/debian.ts'
import { codeBlocks } from '../../scripts/lib/markdown.ts'
import { CALLS, nameOf } from '../../src/protocol/rpc/calls.ts'
import { type NodeProcess, startNodeProcess } from './testdata/node-process.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'protocol.md'), 'utf8')

interface Step {
  readonly command: string
  readonly expected: string[]
}

const steps = codeBlocks(page)
  .filter(({ language }) => language === 'console')
  .flatMap(({ text }) => readSteps(text))

function readSteps(text: string): Step[] {
  const found: Step[] = []
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), expected: [] })
    else found.at(-1)?.expected.push(line)
  }
  return found
}

let folder: string
let node: NodeProcess

beforeAll(async () => {
  for (const program of ['curl', 'jq']) needProgram(program, program)
  folder = mkdtempSync(join(tmpdir(), 'perdure-protocol-'))
  node = await startNodeProcess(join(folder, 'p.db'))
}, 300_000)

afterAll(async () => {
  await node.end('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

it('has every call', () => {
  const missing = Object.values(CALLS)
    .map(nameOf)
    .filter((name) => !page.includes(`\`${name}\``))
  expect(missing).toEqual([])
})

it('goes as the page says', () => {
  expect(steps.length).toBeGreaterThan(40)
  const mark = '@@@ next @@@'
  const script = steps
    .map(({ command }) => command.replace('http://127.0.0.1:7400', node.url))
    .map((command) => `${command}\necho; echo '${mark}'\n`)
    .join('')
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 60_000 })
  const answers = stdout.split(`${mark}\n`).map((text) => text.trimEnd())
  const heard = steps.map(({ command, expected }, index) => {
    const answer = answers[index] ?? '(no answer)'
    const wanted = expected.join('\n')
    return { command, answer: matches(answer, wanted) ? wanted : answer }
  })
  expect(heard).toEqual(steps.map(({ command, expected }) => ({ command, answer: expected.join('\n') })))
  expect(stderr).toBe('')
})

/** Whether a text is what is expected, where `...` stands for anything. */
function matches(text: string, expected: string): boolean {
  const pattern = expected.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('[^]*')}$`).test(text)
}
