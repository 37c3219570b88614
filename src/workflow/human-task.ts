/**
 * Human tasks as they are stored: a question that a run asks a person is a job of its own, so that an inbox is a list of
 * jobs like any other. Nobody runs it: it is there from the question to the answer, and goes with its run.
 *
 * Owns: the shape, its token, and how an answer finds its way. Never does: I/O, or asking (see human.ts).
 */

/** The kind of these jobs; no worker runs it. */
export const HUMAN_KIND = 'perdure.human'
/** The line they stand in: what is live in it is what people are asked. The parent of each is the run that asks. */
export const HUMAN_QUEUE = 'perdure.human'
/** The pair of metadata that says who is asked, where that is known: an inbox of one person is a list by it. */
export const ASSIGNEE = 'assignee'

/** What a person is asked: the input of the job. */
export interface HumanTask {
  /** The question, one line. */
  readonly title: string
  /** Who is asked; null for anybody. */
  readonly assignee: string | null
  /** A JSON Schema of the answer, for whoever draws a form; null for free text. */
  readonly form: unknown
  /** What `prepare` gave: what the person needs to know. Null for nothing. */
  readonly about: unknown
  /** Part of the token, so that it cannot be guessed from the number of the job. */
  readonly secret: string
  /** How often it was asked, from 1. */
  readonly round: number
  /** Why the last answer was not taken; null when asked for the first time. */
  readonly rejected: { readonly reason: string; readonly answer: unknown } | null
  /** Until when it can be answered, epoch ms; null for ever. */
  readonly dueAt: number | null
}

/** The answer as it is sent to the run that asks. */
export interface HumanAnswer {
  readonly value: unknown
  /** Who gave it, where that is known. */
  readonly by: string | null
}

/** What names a question to the world outside: in a URL, on a command line. */
export function humanToken(job: number, secret: string): string {
  return `${job}-${secret}`
}

/** The parts of a token; undefined for what is none. */
export function parseHumanToken(
  token: string,
): { readonly job: number; readonly secret: string } | undefined {
  const [, job, secret] = /^([1-9]\d{0,15})-([0-9a-f-]{36})$/.exec(token) ?? []
  return job === undefined || secret === undefined ? undefined : { job: Number(job), secret }
}

/**
 * The signal that carries a {@link HumanAnswer} to the run: the job's parent. Whoever answers reads the job first, and sends it only
 * where it is live and its secret is that of the token; a signal of another name would be kept for nobody.
 */
export function humanSignal(secret: string): string {
  return `human:${secret}`
}
