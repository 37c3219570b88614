/**
 * Programs: small workflows, drawn as data. What one does is written down here twice: once as code of a workflow, and once
 * as what must come of it, whatever happens to the machines that it runs on.
 */
import { Random } from '../random.ts'
import type { Feature, Swarm } from '../swarm.ts'

/** How the names of signals begin that a run sends to itself; behind it stands the number of what does. */
export const ECHO = 'echo-'

/** One thing that a program does. Numbers are its own: no two of a program are the same. */
export type Op =
  | {
      readonly type: 'step'
      readonly id: number
      /** How many tries fail; Infinity for all. */
      readonly fails: number
      /** 0 for a function that answers at once. */
      readonly ms: number
      readonly hasUndo: boolean
    }
  | { readonly type: 'sleep'; readonly id: number; readonly ms: number }
  /** From a caller, or from nobody until the time is up; 0 for no such time. */
  | { readonly type: 'signal'; readonly id: number; readonly timeoutMs: number }
  /** To itself, before it listens. */
  | { readonly type: 'echo'; readonly id: number }
  /** A job that may end in any way. */
  | { readonly type: 'job'; readonly id: number; readonly isAwaited: boolean; readonly closes: boolean }
  /** One that comes after the run itself, which cannot be waited for. */
  | { readonly type: 'circle'; readonly id: number }
  /** Another program. */
  | { readonly type: 'child'; readonly id: number }
  | { readonly type: 'mark'; readonly id: number }
  | { readonly type: 'all'; readonly id: number; readonly branches: readonly (readonly Op[])[] }
  | {
      readonly type: 'race'
      readonly id: number
      readonly branches: readonly (readonly Op[])[]
      /** The losers are let go of. */
      readonly letsGo: boolean
    }
  /** What no other run does under the same key at the same time. */
  | { readonly type: 'lock'; readonly id: number; readonly key: string; readonly body: readonly Op[] }
  /** Of a person, until the time is up; 0 for no such time. */
  | {
      readonly type: 'ask'
      readonly id: number
      readonly timeoutMs: number
      /** Somebody else is asked as well after this time; 0 for nobody. */
      readonly escalateMs: number
      readonly isTold: boolean
    }
  | { readonly type: 'try'; readonly id: number; readonly body: readonly Op[] }
  | { readonly type: 'fail'; readonly id: number }

export interface Program {
  readonly name: string
  readonly ops: readonly Op[]
  /** How often it begins anew before it ends. */
  readonly rounds: number
  /** It answers what it is asked, and does what it is told, while it does what it does. */
  readonly listens: boolean
}

/** How deep programs call programs, and how deep what they do is nested. */
const DEPTH = 2
const TRIES = 3
/** The keys of locks: few, so that runs meet. */
const LOCKS = ['till', 'vault'] as const
/** More than any program does things. */
const MOST_IDS = 64

/** The one program that is not drawn, but written: for worlds in which everything happens once. */
export const EVERYTHING = 'everything'
/** The signal that it waits for. */
export const EVERYTHING_SIGNAL = 5

const step = (id: number, fails = 0, ms = 0, hasUndo = false): Op => ({
  type: 'step',
  id,
  fails,
  ms,
  hasUndo,
})

const WRITTEN: Program = {
  name: EVERYTHING,
  rounds: 1,
  listens: false,
  ops: [
    step(1, 0, 0, true),
    {
      type: 'all',
      id: 2,
      branches: [[step(3, 1, 20)], [{ type: 'job', id: 4, isAwaited: true, closes: true }]],
    },
    { type: 'signal', id: EVERYTHING_SIGNAL, timeoutMs: 400 },
    {
      type: 'race',
      id: 6,
      branches: [[{ type: 'sleep', id: 7, ms: 50 }], [{ type: 'signal', id: 8, timeoutMs: 300 }]],
      letsGo: false,
    },
    { type: 'try', id: 9, body: [step(10, Infinity)] },
    { type: 'echo', id: 11 },
  ],
}

/** The programs of one world, by their names. A name tells its program: nothing about it is kept anywhere else. */
export class Programs {
  readonly #swarm: Swarm
  readonly #known = new Map([[EVERYTHING, WRITTEN]])

  constructor(swarm: Swarm) {
    this.#swarm = swarm
  }

  get(name: string): Program {
    let program = this.#known.get(name)
    if (program === undefined) {
      program = new Draft(new Random(`${this.#swarm.seed}/program/${name}`), this.#swarm).program(name)
      this.#known.set(name, program)
    }
    return program
  }
}

/** The name of the program that a program calls. */
export const childOf = (name: string, id: number): string => `${name}/${id}`

class Draft {
  readonly #random: Random
  readonly #swarm: Swarm
  #ids = 0
  /** What is drawn is done under a lock: it waits for no other lock, and for no run that may want one. */
  #isLocked = false

  constructor(random: Random, swarm: Swarm) {
    this.#random = random
    this.#swarm = swarm
  }

  #uses(feature: Feature): boolean {
    return this.#swarm.features.includes(feature)
  }

  program(name: string): Program {
    const isChild = name.includes('/')
    const ops = this.#ops(name.split('/').length, DEPTH, true)
    const rounds = !isChild && this.#random.chance(0.2) ? this.#random.integer(1, 2) : 0
    return { name, ops, rounds, listens: this.#uses('updates') && this.#random.chance(0.7) }
  }

  /** @param mayFail at most one of several that go on at once may: else nobody knows which fails first. */
  #ops(depth: number, nesting: number, mayFail: boolean): Op[] {
    const count = this.#random.integer(1, nesting === DEPTH ? 5 : 3)
    return Array.from({ length: count }, () => this.#op(depth, nesting, mayFail))
  }

  #op(depth: number, nesting: number, mayFail: boolean): Op {
    const random = this.#random
    const id = ++this.#ids
    const type = random.weighted({
      ...{ step: 40, sleep: 12, signal: 8, echo: 4, job: 6, mark: 4, circle: 2 },
      child: mayFail && depth <= DEPTH && !this.#isLocked ? 8 : 0,
      all: nesting > 0 ? 8 : 0,
      race: nesting > 0 ? 6 : 0,
      try: nesting > 0 ? 5 : 0,
      fail: mayFail ? 2 : 0,
      lock: this.#uses('locks') && !this.#isLocked ? 10 : 0,
      ask: this.#uses('questions') ? 8 : 0,
    })
    switch (type) {
      case 'step':
        return this.#step(id, mayFail)
      case 'sleep':
        return { type, id, ms: this.#ms(id) }
      case 'signal':
        return { type, id, timeoutMs: this.#timeoutMs(id) }
      case 'job':
        return { type, id, isAwaited: random.chance(0.6), closes: random.chance(0.6) }
      case 'all':
        return { type, id, branches: this.#branches(depth, nesting, mayFail) }
      case 'race':
        return {
          ...{ type, id, branches: this.#racers(depth) },
          letsGo: this.#uses('branches') && random.chance(0.7),
        }
      case 'try':
        return { type, id, body: this.#ops(depth, nesting - 1, true) }
      case 'lock':
        return this.#lock(id, depth, nesting, mayFail)
      case 'ask':
        return {
          ...{ type, id, timeoutMs: this.#timeoutMs(id) },
          escalateMs: random.chance(0.3) ? this.#ms(id) : 0,
          isTold: random.chance(0.4),
        }
      default:
        return { type, id }
    }
  }

  #lock(id: number, depth: number, nesting: number, mayFail: boolean): Op {
    const key = this.#random.pick(LOCKS)
    this.#isLocked = true
    const body = this.#ops(depth, nesting - 1, mayFail)
    this.#isLocked = false
    return { type: 'lock', id, key, body }
  }

  #step(id: number, mayFail: boolean): Op {
    const random = this.#random
    const fails = random.pick([0, 0, 0, 0, 1, TRIES - 1, mayFail ? Infinity : 0])
    const ms = random.chance(0.5) ? 0 : random.magnitude(1, this.#swarm.workMs)
    return { type: 'step', id, fails, ms, hasUndo: random.chance(0.25) }
  }

  /** From moments to minutes, and another one for each, since that of a sleep is its name. */
  #ms(id: number): number {
    return (this.#random.magnitude(1, 5_000) - 1) * MOST_IDS + id
  }

  /** Whoever has a lock waits for nobody without end: others wait for it, one after another. */
  #timeoutMs(id: number): number {
    return this.#random.chance(0.5) || this.#isLocked ? this.#ms(id) : 0
  }

  #branches(depth: number, nesting: number, mayFail: boolean): Op[][] {
    const count = this.#random.integer(2, 3)
    const failing = mayFail ? this.#random.integer(0, count - 1) : -1
    return Array.from({ length: count }, (_, at) => this.#ops(depth, nesting - 1, at === failing))
  }

  /** Whoever comes first: none of them fails. */
  #racers(depth: number): Op[][] {
    const count = this.#random.integer(2, 3)
    return Array.from({ length: count }, () => [this.#op(depth, 0, false)])
  }
}

/** What comes of a program: its value, or the message of its failure. */
export type End = { readonly value: unknown } | { readonly failure: string }

/** What the failures of programs say. */
export const stepFailure = (id: number): string => `step ${id} fails`
export const writtenFailure = (id: number): string => `failure ${id}, as written`

/** How many tries a step has. */
export const STEP_TRIES = TRIES

/** What must come of a program. */
export function endOf(programs: Programs, name: string): End {
  try {
    return { value: wantedOfAll(programs, name, programs.get(name).ops) }
  } catch (failure) {
    return { failure: failure as string }
  }
}

/** Throws the message of a failure. */
function wantedOfAll(programs: Programs, name: string, ops: readonly Op[]): unknown[] {
  return ops.map((op) => wantedOf(programs, name, op))
}

function wantedOf(programs: Programs, name: string, op: Op): unknown {
  switch (op.type) {
    case 'step':
      if (op.fails >= STEP_TRIES) throw stepFailure(op.id)
      return op.id
    case 'child': {
      const end = endOf(programs, childOf(name, op.id))
      if ('failure' in end) throw end.failure
      return end.value
    }
    case 'all':
      return op.branches.map((branch) => wantedOfAll(programs, name, branch))
    case 'try':
      return caught(() => wantedOfAll(programs, name, op.body))
    case 'lock':
      return wantedOfAll(programs, name, op.body)
    case 'fail':
      throw writtenFailure(op.id)
    default:
      // Who comes first, what a job says, and when, is the world's matter.
      return op.type
  }
}

function caught(work: () => unknown): unknown {
  try {
    return work()
  } catch (failure) {
    return { caught: failure }
  }
}
