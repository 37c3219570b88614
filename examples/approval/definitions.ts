/**
 * An expense that somebody has to approve: the question, who is asked after a while, and answers that are not taken.
 */
import { rejectAnswer, workflow } from '../../src/index.ts'

/** What somebody wants to have paid. */
export interface Expense {
  readonly what: string
  readonly amount: number
}

/** The answer, as the form asks for it. */
export interface Decision {
  readonly isApproved: boolean
  readonly amount?: number
}

/** For whoever draws the form; what does not fit is found by `process`. */
const FORM = {
  type: 'object',
  properties: { isApproved: { type: 'boolean' }, amount: { type: 'number', minimum: 0 } },
  required: ['isApproved'],
}

export const expense = workflow('expense', {
  run: async (flow, { what, amount }: Expense) => {
    const decision = await flow.human<Decision, Decision & { by: string | null }>({
      title: `Pay ${amount} for ${what}?`,
      form: FORM,
      assignee: 'ada',
      // after two days somebody else may answer as well; after a week nobody has
      escalate: { after: '2d', to: 'the board' },
      timeout: '7d',
      prepare: () => ({ what, amount, budget: 100 }),
      process: (answer, by) => {
        if (typeof answer?.isApproved !== 'boolean') throw rejectAnswer('say whether it is approved')
        if ((answer.amount ?? amount) > amount) throw rejectAnswer(`it is not more than ${amount}`)
        return { ...answer, by }
      },
    })
    if (decision === undefined) return `nobody wanted to pay for ${what}`
    if (!decision.isApproved) return `${decision.by} does not want ${what}`
    const paid = await flow.step('pay', () => decision.amount ?? amount)
    return `${decision.by} had ${paid} paid for ${what}`
  },
})
