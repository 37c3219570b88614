/**
 * `perdure replay`: the code of today over what a run did, without doing anything.
 */
import { loadDefinitions } from '../../app/definitions.ts'
import { readHistory } from '../../app/history.ts'
import { type Replay, replayHistory } from '../../app/replay.ts'
import { isWorkflow, type WorkflowDefinition } from '../../app/workflow.ts'
import { ERROR_KINDS, perdureError } from '../../errors.ts'
import { parseHistory, type RunHistory } from '../../workflow/history.ts'
import type { Definition } from '../commands.ts'
import { addExamples, type Context } from '../context.ts'
import { readTextFile } from '../input.ts'
import { parseId } from '../parse/values.ts'

export const define: Definition = (command, run) => {
  command
    .argument('<file>', 'the module that exports the workflow')
    .argument('<run>', 'the id of a run, or a file that `perdure show --json` wrote')
  addExamples(
    command,
    ['perdure replay jobs.ts 12', 'whether run 12 can go on with the code in jobs.ts'],
    ['perdure replay jobs.ts run-12.json', 'the same for an exported history, without a store'],
  )
  command.action(
    run(async (context, [file = '', named = '']) => {
      const definitions = (await loadDefinitions(file)).filter(isWorkflow)
      const history = await readNamed(context, named)
      const definition = definitions.find(({ kind }) => kind === history.kind)
      if (definition === undefined) throw noDefinition(file, history.kind, definitions)
      return tell(context, history, await replayHistory(history, definition))
    }),
  )
}

/** A run by its id, or a file. */
async function readNamed(context: Context, named: string): Promise<RunHistory> {
  if (!/^\d+$/.test(named)) return parseHistory(readTextFile(named))
  const id = parseId([named])
  return context.withStore({ serves: false, creates: false }, ({ client }) => readHistory(client, id))
}

/** Tells what it showed; answers the exit code. */
function tell({ out }: Context, { run, state }: RunHistory, replay: Replay): number {
  if (!replay.fits) {
    const { code, message, data } = replay.error
    const diff = replay.diff.join('\n')
    out.data({ run, fits: false, error: { code, message, data }, diff: replay.diff }, `${diff}\n`)
    // in JSON it is part of the answer
    return out.json ? ERROR_KINDS[code].exit : out.error(replay.error)
  }
  const { end, next, isSameEnd } = replay
  const how = end === 'goes-on' ? `goes on with ${next.join(', ')}` : end
  out.data({ run, ...replay }, `${run}\tfits\t${how}\n`)
  if (!isSameEnd) out.note(`The run itself ${state}; with this code it would have ended differently.`)
  return 0
}

function noDefinition(file: string, kind: string, found: readonly WorkflowDefinition[]) {
  return perdureError('UNKNOWN_KIND', {
    expected: `${file} to export a workflow of kind '${kind}'`,
    found: found.map((one) => `'${one.kind}'`).join(', ') || 'no workflow',
    fix: 'Name the module that has it',
  })
}
