/**
 * The inbox: what workflow runs ask people, and how answers find their way back.
 *
 * Owns: reading and answering. What a question is and how it is asked is workflow/human.ts.
 */
import type { Client } from '../client/client.ts'
import type { JobView } from '../client/types.ts'
import { PerdureError, perdureError } from '../errors.ts'
import {
  ASSIGNEE,
  HUMAN_KIND,
  HUMAN_QUEUE,
  type HumanAnswer,
  type HumanTask,
  humanSignal,
  humanToken,
  parseHumanToken,
} from '../workflow/human-task.ts'

/** A question that nobody has answered yet. */
export interface Question extends Omit<HumanTask, 'secret'> {
  /** Names it; whoever has it may answer. */
  readonly token: string
  /** The job that stands for it; cancelling that refuses to answer. */
  readonly id: number
  /** The run that asks. */
  readonly run: number
  /** Epoch ms. */
  readonly askedAt: number
}

/** Which questions. */
export interface InboxOptions {
  /** Of one person. Default: all, also those that are for anybody. */
  readonly assignee?: string
  /** Of one namespace. Default: all that the connection may see. */
  readonly namespace?: string
}

const LIVE = ['blocked', 'scheduled', 'waiting', 'ready', 'held'] as const
/** Questions that are read at once. */
const PAGE = 500

/** What of a client answers need. */
type Answering = Pick<Client, 'get' | 'workflows'>

/** What people are asked, the oldest question first. */
export async function* readInbox(
  client: Client,
  { assignee, namespace }: InboxOptions = {},
): AsyncGenerator<Question> {
  const metadata = assignee === undefined ? {} : { metadata: [{ name: ASSIGNEE, value: assignee }] }
  const filter = { ...metadata, ...(namespace === undefined ? {} : { namespace }) }
  const query = {
    ...filter,
    queue: HUMAN_QUEUE,
    kind: HUMAN_KIND,
    states: LIVE,
    order: 'oldest',
    limit: PAGE,
  } as const
  let cursor: string | undefined
  do {
    const page = await client.list(cursor === undefined ? query : { ...query, cursor })
    for (const job of page.jobs) yield questionOf(job)
    cursor = page.next
  } while (cursor !== undefined)
}

/** One question. @throws NOT_FOUND where nobody asks it any more. */
export async function readQuestion(client: Answering, token: string): Promise<Question> {
  return questionOf(await jobOf(client, token))
}

/**
 * Answers a question: the run that asks it goes on, or asks again where it does not take the answer.
 *
 * @param by who answers, where that is known.
 * @throws NOT_FOUND where nobody asks it any more; NOT_SERIALIZABLE, TOO_LARGE.
 */
export async function answerQuestion(
  client: Answering,
  token: string,
  value: unknown,
  by: string | null = null,
): Promise<void> {
  const job = await jobOf(client, token)
  const { secret } = job.input as HumanTask
  const answer: HumanAnswer = { value: value ?? null, by }
  try {
    await client.workflows.signal(job.parent ?? 0, humanSignal(secret), answer)
  } catch (error) {
    // the run ended in this moment, and its question with it
    if (error instanceof PerdureError && error.code === 'WRONG_STATE') throw noQuestion()
    throw error
  }
}

async function jobOf(client: Answering, token: string): Promise<JobView> {
  const parts = parseHumanToken(token)
  if (parts === undefined) throw noQuestion()
  const job = await client.get(parts.job).catch((error: unknown) => {
    if (error instanceof PerdureError && error.code === 'NOT_FOUND') throw noQuestion()
    throw error
  })
  const isLive = (LIVE as readonly string[]).includes(job.state)
  const isIt = job.kind === HUMAN_KIND && (job.input as HumanTask).secret === parts.secret
  if (!isLive || !isIt) throw noQuestion()
  return job
}

function questionOf({ id, parent, createdAt, input }: JobView): Question {
  const { secret, ...task } = input as HumanTask
  return { ...task, token: humanToken(id, secret), id, run: parent ?? 0, askedAt: createdAt }
}

/** It does not say whether there ever was one: whoever guesses tokens learns nothing. */
function noQuestion(): PerdureError {
  return perdureError('NOT_FOUND', {
    expected: 'a question that waits for its answer',
    found: 'none of this token',
    fix: 'List those that wait with `perdure inbox`; it may have been answered, or its run may have ended',
  })
}
