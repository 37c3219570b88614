/**
 * `perdure answer`: answers a question of the inbox.
 */
import { answerQuestion } from '../../app/inbox.ts'
import { userName } from '../../runtime/user.ts'
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { parseJson } from '../parse/values.ts'

interface AnswerOptions {
  readonly by?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('<token>', 'the question, as `perdure inbox` names it')
    .argument('<json>', 'the answer, as JSON')
    .option('--by <name>', 'who answers (default: the user of this machine)')
  addExamples(
    command,
    ['perdure answer 7-c0ffee... true', 'yes'],
    [`perdure answer 7-c0ffee... '{"amount": 120, "note": "as agreed"}'`, 'a form that was filled in'],
  )
  command.action(
    run<AnswerOptions>(async (context, [token = '', json = ''], { by = userName() }) => {
      const value = parseJson('the answer', json)
      return context.withStore({ serves: false, creates: false }, async ({ client }) => {
        await answerQuestion(client, token, value, by)
        context.out.data({ token, by: by ?? null }, `${token}\tanswered\n`)
        return 0
      })
    }),
  )
}
