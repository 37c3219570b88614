/**
 * `perdure inbox`: what workflow runs ask people.
 */
import { readInbox, readQuestion } from '../../app/inbox.ts'
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { renderInbox, renderQuestion } from '../render/inbox.ts'

interface InboxOptions {
  readonly assignee?: string
}

export const define: Definition = (command, run) => {
  command
    .argument('[token]', 'one question, with all that there is to know about it')
    .option('--assignee <name>', 'only questions to this person')
  addExamples(
    command,
    ['perdure inbox', 'all questions, the oldest first'],
    ['perdure inbox --assignee ada', 'those to one person'],
    ['perdure inbox 7-c0ffee...', 'one of them, with its form'],
  )
  command.action(
    run<InboxOptions>(async (context, [token], { assignee }) => {
      const { out } = context
      if (token === undefined && !(await context.hasStore())) return 0
      return context.withStore({ serves: false, creates: false }, async ({ client }) => {
        if (token !== undefined) {
          const question = await readQuestion(client, token)
          out.data(question, renderQuestion(question, out.width))
          return 0
        }
        const questions = []
        for await (const question of readInbox(client, assignee === undefined ? {} : { assignee })) {
          if (out.json) await out.raw(`${JSON.stringify(question)}\n`)
          else questions.push(question)
        }
        if (!out.json) await out.raw(renderInbox(questions, context.now(), out.width))
        return 0
      })
    }),
  )
}
