/**
 * `perdure config`: checks a configuration, and shows every setting with where its value comes from.
 */
import { inspectConfig, type LoadedConfig } from '../../config/load.ts'
import { configError } from '../../config/problem.ts'
import type { Resolved } from '../../config/resolve.ts'
import { variableOf } from '../../config/schema.ts'
import { ERROR_KINDS } from '../../errors.ts'
import { oneOf } from '../../std/options.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { renderTable } from '../render/text.ts'
import { flagsOf } from '../settings.ts'

interface ConfigOptions {
  readonly url?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('<action>', 'check: say what is wrong; print: show all settings, their values and origins')
    .argument('[file]', 'the file (default: PERDURE_CONFIG, or your own file)')
  addExamples(
    command,
    ['perdure config check perdure.yaml', 'all mistakes at once; exit code 78 if there are any'],
    ['perdure config print', 'what counts here and now, and why'],
    ['perdure config print --json | jq .', 'for programs: one setting per line'],
  )
  command.action(
    run<ConfigOptions>(async (context, [action, file], options) => {
      const verb = oneOf('the action', action, ['check', 'print'])
      const loaded = await inspectConfig({ env: context.env, file, flags: flagsOf({ ...options }) })
      return verb === 'check' ? check(context, loaded) : print(context, loaded)
    }),
  )
}

function check({ out }: Context, { problems, file }: LoadedConfig): number {
  if (out.json) out.data({ file: file ?? null, problems }, '')
  else for (const { where, message } of problems) out.data(undefined, `${where}: ${message}\n`)
  if (problems.length > 0) return ERROR_KINDS.INVALID_CONFIG.exit
  out.note(
    file === undefined ? 'There is no file; the environment has no mistakes.' : `${file} has no mistakes.`,
  )
  return 0
}

async function print({ out }: Context, loaded: LoadedConfig): Promise<number> {
  if (loaded.problems.length > 0) throw configError(loaded.problems)
  const rows = loaded.settings.map(describe)
  if (out.json) for (const row of rows) await out.raw(`${JSON.stringify(row)}\n`)
  else {
    const cells = rows.map(({ setting, value, origin, where, hides }) => [
      setting,
      value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value),
      `${where === '' ? origin : where}${hides.length > 0 ? ` (over ${hides.join(', ')})` : ''}`,
    ])
    const columns = [{ title: 'SETTING' }, { title: 'VALUE' }, { title: 'FROM', flexible: true }]
    await out.raw(renderTable(columns, cells, out.width))
  }
  return 0
}

function describe(resolved: Resolved) {
  const { path, setting, value, origin, where, hidden } = resolved
  const written = setting.write(value)
  const { about, isLive } = setting
  return {
    setting: path,
    value: written,
    origin,
    where,
    hides: hidden,
    variable: variableOf(resolved),
    isLive,
    about,
  }
}
