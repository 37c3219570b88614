/**
 * Why a command could not be started, found out after the fact.
 *
 * Owns: the search for the cause, which the system names by a number that fits several. Never looked at when all is well.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { Outcome } from '../../core/model/outcome.ts'
import { errorRecord, PerdureError, perdureError } from '../../errors.ts'
import type { CommandPlan } from './input.ts'

/** What the system searches when there is no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin'
/** The machine is short of something; the same command may start a moment later. */
const PASSING = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ETXTBSY', 'ENOSPC'])

/** A SPAWN_FAILED error with its three sentences. */
export function spawnFailed(expected: string, found: string, fix: string, cause?: unknown): PerdureError {
  const code = (cause as { code?: unknown } | undefined)?.code
  return perdureError('SPAWN_FAILED', {
    expected,
    found,
    fix,
    ...(typeof code === 'string' ? { data: { errno: code } } : {}),
    ...(cause === undefined ? {} : { cause }),
  })
}

/** The outcome of an attempt that did not come to a process. Only what may pass is tried again. */
export function notStarted(thrown: unknown): Outcome {
  const error = errorRecord(thrown, 'SPAWN_FAILED')
  return PASSING.has(String(error.data?.errno))
    ? { type: 'failed', error }
    : { type: 'failed', error, retry: false }
}

/** Finds the cause of a start that failed. */
export function explainSpawn(plan: CommandPlan, path: string | undefined, cause: unknown): PerdureError {
  if (cause instanceof PerdureError) return cause
  const code = String((cause as { code?: unknown }).code)
  const name = plan.argv[0]
  if (code === 'E2BIG') {
    const fix = 'Pass long lists by stdin or by a file, and keep scripts in files'
    return spawnFailed(
      'arguments and environment that fit the limit of the system',
      'more than that',
      fix,
      cause,
    )
  }
  if (PASSING.has(code)) {
    return spawnFailed(
      'room for one more process',
      `${code} from the system`,
      'Lower the concurrency, or raise the limits of the worker',
      cause,
    )
  }
  const folder = explainFolder(plan.cwd, cause)
  if (folder !== undefined) return folder
  try {
    const found = findCommand(name, plan.cwd, path)
    return explainFile(found, cause)
  } catch (error) {
    return error as PerdureError
  }
}

function explainFolder(cwd: string, cause: unknown): PerdureError | undefined {
  const expected = 'a folder to run the command in'
  try {
    if (!statSync(cwd).isDirectory())
      return spawnFailed(expected, `${cwd}, which is no folder`, 'Name a folder', cause)
    accessSync(cwd, constants.X_OK)
    return undefined
  } catch (error) {
    const denied = (error as { code?: unknown }).code === 'EACCES'
    return denied
      ? spawnFailed(
          expected,
          `${cwd}, which the user of the worker may not enter`,
          'Change its permissions',
          cause,
        )
      : spawnFailed(
          expected,
          `no ${cwd}`,
          'Create it on the machine of the worker, or submit with another cwd',
          cause,
        )
  }
}

function explainFile(file: string, cause: unknown): PerdureError {
  let begin = ''
  try {
    begin = readFileSync(file).subarray(0, 256).toString('latin1')
  } catch {
    // execute permission without read permission: nothing to look at
  }
  const interpreter = /^#!\s*(\S+)/.exec(begin)?.[1]
  if (interpreter !== undefined && !existsSync(interpreter)) {
    return spawnFailed(
      `the interpreter that ${file} names`,
      `no ${interpreter}`,
      'Install it, or mend the first line of the script',
      cause,
    )
  }
  const code = String((cause as { code?: unknown }).code)
  return spawnFailed(
    'a command that the system can start',
    `${code} for ${file}`,
    'Try it by hand as the user of the worker',
    cause,
  )
}

/**
 * The path of a command, found as the system would.
 *
 * @throws SPAWN_FAILED when there is no such command, or it may not be executed.
 */
export function findCommand(name: string, cwd: string, path: string | undefined): string {
  const search = path === undefined || path === '' ? DEFAULT_PATH : path
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : search
        .split(':')
        .map((folder) => (isAbsolute(folder) ? join(folder, name) : resolve(cwd, folder, name)))
  let refused: string | undefined
  for (const candidate of candidates) {
    const kind = kindOf(candidate)
    if (kind === 'command') return candidate
    if (kind === 'folder') refused ??= `${candidate}, which is a folder`
    if (kind === 'file') refused ??= `${candidate}, which may not be executed`
  }
  if (refused !== undefined) {
    throw spawnFailed(
      `${JSON.stringify(name)} to be executable`,
      refused,
      'Make it executable (chmod +x), or call its interpreter with it',
    )
  }
  const where = name.includes('/') ? `no ${candidates[0]}` : `no ${JSON.stringify(name)} in ${search}`
  throw spawnFailed(
    `the command ${JSON.stringify(name)}`,
    where,
    'Install it where the worker runs, or submit with its full path',
  )
}

/** A folder of the search path that may not be entered is as good as one without the command. */
function kindOf(path: string): 'command' | 'folder' | 'file' | undefined {
  try {
    if (statSync(path).isDirectory()) return 'folder'
  } catch {
    return undefined
  }
  try {
    accessSync(path, constants.X_OK)
    return 'command'
  } catch {
    return 'file'
  }
}

/** What the set-up shell's one word means. */
export function explainSetUp(word: string, plan: CommandPlan, who: string): PerdureError {
  const fix = 'Check that it exists, and its permissions'
  switch (word) {
    case 'cwd':
      return spawnFailed(`a folder that ${who} may enter`, plan.cwd, fix)
    case 'stdin':
      return spawnFailed(`a file that ${who} may read as stdin`, describe(plan.stdin), fix)
    case 'output':
      return spawnFailed(
        `files that ${who} may write`,
        [plan.stdout, plan.stderr].map(describe).join(' '),
        fix,
      )
    case 'command':
      return spawnFailed(`a command that ${who} may execute`, plan.argv[0], fix)
    default:
      return spawnFailed('the shell to set the command up', `a failure (${word})`, 'Try the command by hand')
  }
}

function describe(target: { readonly file: string } | { readonly text: string } | undefined): string {
  return target === undefined ? '' : 'file' in target ? target.file : 'text'
}
