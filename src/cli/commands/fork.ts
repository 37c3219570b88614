/**
 * `perdure fork`: a run that begins with what another one had done.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { noteIdle } from '../notes.ts'
import { parseId, parseJson, parseWhole } from '../parse/values.ts'

interface ForkOptions {
  readonly from?: string
  readonly input?: string
  /** Not `version`, which is the program's. */
  readonly codeVersion?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('<run>', 'the id of the run, which is left as it is')
    .option(
      '--from <n>',
      'the first thing that is done anew, as `perdure show` numbers them (default: what failed)',
    )
    .option('--input <json>', 'another input')
    .option('--code-version <version>', 'the version of the workflow that takes it up (default: any)')
  addExamples(
    command,
    [
      'perdure fork 12',
      'a run that has done what run 12 had done before it failed, and tries what failed again',
    ],
    [
      `perdure fork 12 --from 3 --input '{"card": "4242"}'`,
      'one that begins at the third thing, with another input',
    ],
  )
  command.action(
    run<ForkOptions>((context, words, { from, input, codeVersion: version }) => {
      const id = parseId(words)
      const options = {
        ...(from === undefined ? {} : { from: parseWhole('--from', from, 0, 1e9) }),
        ...(input === undefined ? {} : { input: parseJson('--input', input) }),
        ...(version === undefined ? {} : { version }),
      }
      return context.withStore({ serves: false, creates: false }, async (store) => {
        const made = await store.client.workflows.fork(id, options)
        context.out.data({ id: made, forkOf: id }, `${made}\n`)
        await noteIdle(context, store, (await store.client.get(made)).queue)
        return 0
      })
    }),
  )
}
