/**
 * Linear: searches an order in which the calls about one job could have happened one at a time.
 *
 * A call takes effect at one moment between its beginning and its answer; a job also changes by itself (time,
 * other jobs, a worker that goes away). If no order explains all answers, somebody was told what never was.
 * The search is that of Wing and Gong with the memory of Lowe; the job is a machine of few states, in several
 * of which it may be at once.
 */
import { must } from '../violation.ts'
import type { Entry } from './recorder.ts'

/** Longer histories are left out: the search is exponential in what happens at once. */
const MOST_ENTRIES = 24

/** A state is a word, and for a running job also its attempt (`?` unseen) and whether it was asked to stop. */
type State = string

const ENDS = ['succeeded', 'failed', 'cancelled'] as const
const LIVE = ['idle', 'held', ...ENDS]

/**
 * What a job may become by itself in one step.
 *
 * @param isGroup It may have nothing to run.
 */
function steps(state: State, isGroup: boolean): readonly State[] {
  if (state === 'none') return LIVE
  // a lease that nobody has seen yet, or will ever see
  if (state === 'idle') return ['running ? -', 'failed', 'cancelled', ...(isGroup ? ['succeeded'] : [])]
  if (state === 'held') return ['failed', 'cancelled']
  if (state.startsWith('running')) return state.endsWith('!') ? ['cancelled'] : ['idle', 'failed']
  return state === 'gone' ? [] : ['gone']
}

/** What a job in this state becomes by a call that is answered like this; empty where that cannot be. */
function after(state: State, { question, told }: Entry): readonly State[] {
  switch (question.type) {
    case 'make':
      // a call that is tried again is told the same once more
      return state === 'none' ? LIVE : [state]
    case 'lease':
      return state === 'idle' ? [`running ${question.attempt} -`] : []
    case 'report':
      return afterReport(state, question, told)
    case 'read':
      return isSeen(state, told) ? [state] : []
    case 'control':
      return afterControl(state, question.verb, told)
  }
}

function afterReport(
  state: State,
  { attempt, outcome }: { readonly attempt: number; readonly outcome: string },
  told: Entry['told'],
): readonly State[] {
  const isHeld = state.startsWith(`running ${attempt} `)
  const isAccepted = told === undefined ? isHeld : 'accepted' in told && told.accepted
  if (!isAccepted) return told === undefined || !isHeld ? [state] : []
  if (!isHeld) return isRecorded(state, outcome) ? [state] : []
  if (outcome === 'succeeded') return ['succeeded']
  if (outcome === 'cancelled' || state.endsWith('!')) return ['cancelled']
  if (outcome === 'paused') return ['held']
  return outcome === 'failed' ? ['idle', 'failed'] : ['idle']
}

/** Whether a report that is told again fits what the job became by it. */
function isRecorded(state: State, outcome: string): boolean {
  if (outcome === 'succeeded') return state === 'succeeded'
  if (outcome === 'cancelled') return state === 'cancelled'
  const isBack = state === 'idle' || state === 'held' || state === 'cancelled'
  return isBack || (outcome === 'failed' && state === 'failed')
}

/** Whether a job in this state looks to a reader as it was told. */
function isSeen(state: State, told: Entry['told']): boolean {
  if (told === undefined) return true
  if ('refused' in told) return state === 'none' || state === 'gone'
  if (!('state' in told)) return false
  if (told.state === 'running') return state.startsWith('running') && state.endsWith('!') === told.changed
  return told.state === state || (state === 'idle' && !LIVE.includes(told.state))
}

function afterControl(state: State, verb: string, told: Entry['told']): readonly State[] {
  const next = [...effects(state, verb)]
  if (told === undefined) return [...next, state]
  if ('refused' in told) {
    const isGone = state === 'none' || state === 'gone'
    if (told.refused === 'NOT_FOUND') return isGone && verb !== 'delete' ? [state] : []
    return !isGone && mayRefuse(state, verb) ? [state] : []
  }
  if (!('state' in told)) return []
  const isTold = (one: State): boolean =>
    told.state === 'gone' || isSeen(one, { state: told.state, changed: one.endsWith('!') })
  if (!told.changed) return isUnchanged(state, verb) && isTold(state) ? [state] : []
  return next.filter(isTold)
}

/** What a verb that changes something makes of a job. */
function effects(state: State, verb: string): readonly State[] {
  const isWaiting = state === 'idle'
  if (verb === 'cancel') {
    if (isWaiting || state === 'held') return ['cancelled']
    // a second cancel may insist, and then changes how it stops
    return state.startsWith('running') ? [`${state.slice(0, -1)}!`] : []
  }
  if (verb === 'terminate') return isEnd(state) || state === 'none' || state === 'gone' ? [] : ['cancelled']
  if (verb === 'restart') return state === 'failed' || state === 'cancelled' ? ['idle', 'succeeded'] : []
  if (verb === 'hold') return isWaiting ? ['held'] : []
  if (verb === 'release') return state === 'held' ? ['idle', 'succeeded'] : []
  if (verb === 'delete') return isEnd(state) ? ['gone'] : []
  if (verb === 'reprioritize' || verb === 'repin') return isWaiting || state === 'held' ? [state] : []
  return isWaiting ? ['idle'] : []
}

/** Whether a verb may say that there was nothing to do. */
function isUnchanged(state: State, verb: string): boolean {
  if (verb === 'cancel') return state === 'cancelled' || state.endsWith('!')
  if (verb === 'terminate') return state === 'cancelled'
  if (verb === 'hold') return state === 'held'
  if (verb === 'delete') return state === 'gone' || state === 'none'
  if (verb === 'expedite') return state === 'idle'
  return (verb === 'reprioritize' || verb === 'repin') && (state === 'idle' || state === 'held')
}

/** Whether a verb may be refused because of the state. A job that waits does so in several states. */
function mayRefuse(state: State, verb: string): boolean {
  if (verb === 'expedite' && state === 'idle') return true
  return effects(state, verb).length === 0 && !isUnchanged(state, verb)
}

const isEnd = (state: State): boolean => (ENDS as readonly string[]).includes(state)

/** All states that a job may be in when it may be in these, and changes by itself. */
function closure(states: Iterable<State>, isGroup: boolean): readonly State[] {
  const found = new Set(states)
  for (const state of found) for (const next of steps(state, isGroup)) found.add(next)
  return [...found].sort()
}

/**
 * Checks every job whose history is short. Answers how many were.
 *
 * @param isOther jobs of which this model says nothing: runs that undo what they did go on after a cancel.
 */
export function checkLinear(
  histories: ReadonlyMap<number, readonly Entry[]>,
  isOther: (job: number) => boolean = () => false,
): number {
  let checked = 0
  for (const [job, history] of histories) {
    if (history.length > MOST_ENTRIES || isOther(job)) continue
    checked++
    must('K3', hasOrder(history), () => `no order explains what was told of job ${job}: ${tell(history)}`)
  }
  return checked
}

/** Whether the answers of a history fit one order of its calls. */
export function hasOrder(history: readonly Entry[]): boolean {
  const all = history.reduce((mask, { to }, i) => (to === Infinity ? mask : mask | (1 << i)), 0)
  const isGroup = history.every(({ question }) => question.type !== 'lease')
  const seen = new Set<string>()
  const search = (done: number, states: readonly State[]): boolean => {
    if ((done & all) === all) return true
    const key = `${done} ${states.join()}`
    if (seen.has(key)) return false
    seen.add(key)
    const limit = firstAnswer(history, done)
    for (const [i, entry] of history.entries()) {
      // what began after another had been answered cannot have come before that one
      if ((done & (1 << i)) !== 0 || entry.from > limit) continue
      const next = new Set(states.flatMap((state) => after(state, entry)))
      if (next.size > 0 && search(done | (1 << i), closure(next, isGroup))) return true
    }
    return false
  }
  return search(0, closure(['none'], isGroup))
}

/** The earliest answer among the calls that are not placed yet. */
function firstAnswer(history: readonly Entry[], done: number): number {
  let first = Infinity
  for (const [i, { to }] of history.entries()) if ((done & (1 << i)) === 0) first = Math.min(first, to)
  return first
}

function tell(history: readonly Entry[]): string {
  return history
    .map(({ question: { type, ...rest }, from, to, told }) => {
      const what = Object.values(rest).join(' ')
      return `[${from}..${to} ${type} ${what} => ${told === undefined ? 'no answer' : Object.values(told).join(' ')}]`
    })
    .join(' ')
}
