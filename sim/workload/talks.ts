/**
 * Talks: what callers have with runs that answer: updates, queries, and the questions of runs to people.
 */
import { answerQuestion } from '../../src/app/inbox.ts'
import type { UpdateCall } from '../../src/client/workflows.ts'
import { nameId } from '../../src/core/model/rows.ts'
import { isTerminal } from '../../src/core/model/states.ts'
import { PerdureError } from '../../src/errors.ts'
import { HUMAN_KIND, type HumanTask, humanToken } from '../../src/workflow/human-task.ts'
import { isInDoubt } from '../invariants/history.ts'
import type { ServedClient } from '../invariants/watch.ts'
import type { Random } from '../random.ts'
import { must } from '../violation.ts'
import type { Actor } from '../world/actor.ts'
import type { Life } from '../world/node.ts'
import type { Office } from './caller.ts'
import { answerText, type Change, changeFailure } from './conversation.ts'

/** How often an update is told in all, while it is not known what became of it. */
const TRIES = 4
const TRY_AGAIN_MS = 3_000
/** Slots that updates compete for. */
const SLOTS = 3

/** A question that waits for an answer. */
interface OpenQuestion {
  readonly job: number
  readonly run: number
  readonly task: HumanTask
}

export class Talks {
  readonly #actor: Actor
  readonly #office: Office
  #told = 0

  constructor(actor: Actor, office: Office) {
    this.#actor = actor
    this.#office = office
  }

  #note(text: string): void {
    this.#office.network.scheduler.trace(`${this.#actor.name}: ${text}`)
  }

  #number(): string {
    return `${this.#actor.name}.${++this.#told}`
  }

  /** Has a run change, and asks again under the same name while in doubt. */
  update(job: number | undefined, random: Random): void {
    if (job === undefined) return
    const change: Change = {
      id: `change#${this.#number()}`,
      slot: random.chance(0.4) ? random.integer(1, SLOTS) : 0,
      sleepMs: random.chance(0.3) ? random.magnitude(1, 10_000) : 0,
      fails: random.chance(0.2),
    }
    this.#update(job, change, { id: change.id, isNew: random.chance(0.5) }, 1)
  }

  #update(job: number, change: Change, how: UpdateCall, tried: number): void {
    this.#note(`update ${job} ${change.id}`)
    const { network } = this.#office
    const invoke = async (life: Life): Promise<void> => {
      const { workflows } = life.client as ServedClient
      const said = await workflows.update(job, 'change', change, how).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      )
      if (!life.live.isSuperseded) this.#checkAnswer(job, change, said)
      if ('error' in said) throw said.error
    }
    network.call(this.#actor, invoke, how.isNew !== true).then(
      () => this.#note(`${change.id} is carried out`),
      (error: unknown) => {
        this.#note(`${change.id} got ${error instanceof PerdureError ? error.code : String(error)}`)
        const isOpen = isInDoubt(error) || (error instanceof PerdureError && error.code === 'TIMEOUT')
        if (!isOpen || tried >= TRIES) return
        this.#actor.after(TRY_AGAIN_MS, () => this.#update(job, change, { id: change.id }, tried + 1))
      },
    )
  }

  /** An update is answered with what its own handler gave, once that is on record. */
  #checkAnswer(job: number, { id, fails }: Change, said: { value: unknown } | { error: unknown }): void {
    const { runs } = this.#office
    if ('value' in said) {
      const of = (said.value as { of?: string } | undefined)?.of
      must(
        'W5',
        of === id && !fails,
        () => `${id} of run ${job} was answered with ${JSON.stringify(said.value)}`,
      )
      runs.updated(job, id)
      return
    }
    const message = said.error instanceof Error ? said.error.message : ''
    if (!message.endsWith('as written')) return
    must('W5', fails && message === changeFailure(id), () => `${id} of run ${job} failed with ${message}`)
    runs.updated(job, id)
  }

  /** Asks a run what it knows. */
  query(job: number | undefined): void {
    if (job === undefined) return
    const { network, effects } = this.#office
    this.#note(`query ${job}`)
    const invoke = async (life: Life): Promise<void> => {
      const beginning = effects.beginning(job)
      const known = effects.passedBy(job)
      const told = await (life.client as ServedClient).workflows.query(job, 'passed', undefined)
      // what was asked of one that has been replaced, or of a run that has begun anew, says nothing of now
      if (life.live.isSuperseded || beginning !== effects.beginning(job)) return
      effects.told(job, known, told as string[])
    }
    network.call(this.#actor, invoke, false).then(
      () => this.#note(`${job} has told`),
      (error: unknown) =>
        this.#note(`${job} tells ${error instanceof PerdureError ? error.code : String(error)}`),
    )
  }

  /** Somebody answers one of the questions that there are, or refuses to. */
  answerOne(random: Random): void {
    const questions = this.#questions()
    if (questions.length === 0) return
    const question = random.pick(questions)
    const says = random.weighted({ yes: 60, no: 30, cancel: 10 })
    if (says === 'cancel') {
      this.#note(`cancel question ${question.job}`)
      const invoke = (life: Life): Promise<unknown> =>
        (life.client as ServedClient).control(question.job, { verb: 'cancel' })
      this.#office.network.call(this.#actor, invoke, true).catch(() => {})
      return
    }
    for (let left = random.pick([1, 1, 2]); left > 0; left--) this.#answer(question, says)
  }

  /** Gives a run all answers that it waits for. */
  answerAll(run: number): void {
    for (const question of this.#questions()) if (question.run === run) this.#answer(question, 'yes')
  }

  #answer({ job, run, task: { title, secret } }: OpenQuestion, says: 'yes' | 'no'): void {
    const answer = answerText(job, says, this.#number())
    const { network, effects, runs } = this.#office
    this.#note(`answer ${run} ${answer}`)
    effects.gave(answer, { run, title })
    const invoke = async (life: Life): Promise<void> => {
      await answerQuestion(life.client as ServedClient, humanToken(job, secret), answer)
      runs.signalled(run, JSON.stringify({ value: answer, by: null }))
    }
    network.call(this.#actor, invoke, false).catch(() => {})
  }

  #questions(): OpenQuestion[] {
    const { tables } = this.#office
    const kind = tables.names.get(nameId('kind', HUMAN_KIND))?.id
    if (kind === undefined) return []
    return [...tables.jobs.values()].flatMap(({ id, parent, route, state, input }) => {
      if (isTerminal(state) || tables.routesById.get(route)?.kind !== kind || input === null) return []
      return [{ job: id, run: parent, task: JSON.parse(input) as HumanTask }]
    })
  }
}
