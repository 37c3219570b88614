/**
 * The input of a shell job: its shape, and the checks that turn it into one form.
 *
 * Owns: what may be in the input. Never looks at the file system.
 */
import { resolve } from 'node:path'
import type { CommandContext } from '../../core/model/profile.ts'
import { type PerdureError, perdureError } from '../../errors.ts'
import { checkKnown, describeValue } from '../../std/options.ts'

/** Where standard input comes from: a value, or a file. Default: nothing, as from /dev/null. */
export type StdinSource = { readonly text: string } | { readonly file: string }

/** A file that output goes to instead of the log of the attempt. */
export interface OutputFile {
  readonly file: string
  /** True adds to the file; default: each attempt begins it anew. */
  readonly append?: boolean
}

interface Common {
  readonly stdin?: StdinSource
  readonly stdout?: OutputFile
  /** May name the file of `stdout`, then both go there in the order of writing. */
  readonly stderr?: OutputFile
  /** Relative to the folder of the submission. Default: that folder, or else the worker's. */
  readonly cwd?: string
  /** Added to the environment of the submission. Loader variables and proxies are left out; see environment.ts. */
  readonly env?: Readonly<Record<string, string>>
  /** Octal text, such as `'027'`, or a number. */
  readonly umask?: string | number
}

/** The input of a job of kind `shell`. */
export type ShellInput = Common &
  (
    | { readonly argv: readonly string[] }
    | {
        readonly script: string
        /** Default `/bin/sh`. It is called as `shell -c script shell ...args`. */
        readonly shell?: string
        /** The script's `$1`, `$2`, ... */
        readonly args?: readonly string[]
      }
  )

/** A checked input: paths are absolute, a script is an argv. */
export interface CommandPlan {
  readonly argv: readonly [string, ...string[]]
  readonly cwd: string
  readonly stdin: StdinSource | undefined
  readonly stdout: OutputFile | undefined
  readonly stderr: OutputFile | undefined
  readonly env: Readonly<Record<string, string>>
  readonly umask: number | undefined
}

const KNOWN = ['argv', 'script', 'shell', 'args', 'stdin', 'stdout', 'stderr', 'cwd', 'env', 'umask']

/**
 * Checks an input and completes it from what its submission says.
 *
 * @throws INVALID_INPUT (INVALID_OPTION for a name that there is not).
 */
export function readInput(input: unknown, context: CommandContext | undefined): CommandPlan {
  checkKnown('the input of a shell job', input, KNOWN)
  const given = input as Record<string, unknown>
  const cwd = resolve(context?.cwd ?? '.', optional(given.cwd, 'cwd', asText) ?? '.')
  const file = (value: unknown, name: string): string => resolve(cwd, asText(value, name))
  const output = (value: unknown, name: string): OutputFile => {
    checkKnown(`the ${name} of a shell job`, value, ['file', 'append'])
    const { file: path, append = false } = value as Record<string, unknown>
    if (typeof append !== 'boolean') throw invalid(`${name}.append`, 'true or false', append)
    return { file: file(path, `${name}.file`), append }
  }
  return {
    argv: readArgv(given),
    cwd,
    stdin: optional(given.stdin, 'stdin', (value) => readStdin(value, file)),
    stdout: optional(given.stdout, 'stdout', output),
    stderr: optional(given.stderr, 'stderr', output),
    env: optional(given.env, 'env', readVariables) ?? {},
    umask: optional(given.umask, 'umask', readUmask),
  }
}

function readArgv(given: Record<string, unknown>): [string, ...string[]] {
  if ((given.argv === undefined) === (given.script === undefined)) {
    throw invalid('argv or script', 'given, one of the two', given.argv === undefined ? undefined : 'both')
  }
  if (given.argv !== undefined) {
    if (given.shell !== undefined || given.args !== undefined) {
      throw invalid('shell and args', 'given with a script only', 'argv beside them')
    }
    const [command, ...args] = texts(given.argv, 'argv')
    if (command === undefined || command === '') throw invalid('argv[0]', 'the name of a command', command)
    return [command, ...args]
  }
  const shell = optional(given.shell, 'shell', asText) ?? '/bin/sh'
  return [shell, '-c', texts([given.script], 'script')[0] ?? '', shell, ...texts(given.args ?? [], 'args')]
}

function texts(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw invalid(name, 'an array of texts', value)
  return value.map((item, index) => {
    if (typeof item === 'string' && !item.includes('\0')) return item
    throw invalid(`${name}[${index}]`, 'text without NUL characters', item)
  })
}

function readStdin(value: unknown, file: (value: unknown, name: string) => string): StdinSource {
  checkKnown('the stdin of a shell job', value, ['text', 'file'])
  const { text, file: path } = value as Record<string, unknown>
  if ((text === undefined) === (path === undefined)) throw invalid('stdin', '{ text } or { file }', value)
  if (path !== undefined) return { file: file(path, 'stdin.file') }
  if (typeof text !== 'string') throw invalid('stdin.text', 'text', text)
  return { text }
}

/** Checks a set of environment variables; `name` is for the message. */
export function readVariables(value: unknown, name: string): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(name, 'an object of texts', value)
  }
  for (const [key, text] of Object.entries(value)) {
    if (key === '' || /[=\0]/.test(key)) {
      throw invalid(`a name in ${name}`, 'text without "=" and NUL characters', key)
    }
    if (typeof text !== 'string' || text.includes('\0')) {
      throw invalid(`${name}.${key}`, 'text without NUL characters', text)
    }
  }
  return value as Record<string, string>
}

function readUmask(value: unknown): number {
  const mask = typeof value === 'string' && /^0?[0-7]{1,3}$/.test(value) ? Number.parseInt(value, 8) : value
  if (Number.isInteger(mask) && (mask as number) >= 0 && (mask as number) <= 0o777) return mask as number
  throw invalid('umask', "octal text such as '027', or a number up to 0o777", value)
}

function asText(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
  throw invalid(name, 'text that is not empty, without NUL characters', value)
}

function optional<T>(value: unknown, name: string, read: (value: unknown, name: string) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value, name)
}

function invalid(name: string, expected: string, found: unknown): PerdureError {
  return perdureError('INVALID_INPUT', {
    expected: `${name} of a shell job to be ${expected}`,
    found: describeValue(found),
    fix: 'Submit the job again with an input that has { argv } or { script }, and no more than is needed',
    data: { name },
  })
}
