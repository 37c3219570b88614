/**
 * Conversation: what callers tell runs beside signals, updates and answers to questions, as values of which everybody can
 * see whose they are.
 */

/** An update of a run. */
export interface Change {
  /** Of the call. No two are the same. */
  readonly id: string
  /** Once one of a slot was carried out, the run takes no other of it; 0 for none. */
  readonly slot: number
  readonly sleepMs: number
  readonly fails: boolean
}

/** What an update says that fails. */
export const changeFailure = (id: string): string => `${id} fails, as written`

/** The title of the question that a program asks. */
export const titleOf = (id: number): string => `question ${id}`

/** An answer that is like no other. After a `no` the question has to be asked again. */
export const answerText = (question: number, says: 'yes' | 'no', number: string): string =>
  `answer-${question}#${says}.${number}`

export const isRefusal = (answer: string): boolean => answer.includes('#no.')

/** Whether a signal, as JSON text, came from a caller. */
export const isOfCaller = (value: string): boolean =>
  value.startsWith('"signal') || value.startsWith('{"id":"change#') || value.startsWith('{"value":"answer-')
