/**
 * Watch: looks at the code of workflows while it runs, and says what would break a replay: the clock, chance and timers
 * outside of steps, each once per workflow.
 *
 * Owns: the globals that it has taken the place of, as long as anybody looks.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Place, RunWatch } from '../../workflow/cautions.ts'

/** Code of a user that runs at this moment, with who looks at it. */
interface Inside {
  readonly place: Place
  readonly watch: Watch
}

const present = new AsyncLocalStorage<Inside | undefined>()

/** What the code of a workflow should use in place of globals. */
const INSTEAD = {
  'Math.random': 'flow.random()',
  'Date.now': 'flow.now()',
  'new Date()': 'new Date(flow.now())',
  'Date()': 'new Date(flow.now())',
  setTimeout: 'flow.sleep()',
  setInterval: 'flow.sleep() in a loop',
} as const

/** Looks at all runs of one workflow. */
export class Watch implements RunWatch {
  readonly isStrict: boolean
  readonly #kind: string
  readonly #say: (text: string) => void
  readonly #said = new Set<string>()

  /** @param isStrict whether mistakes are looked for, and not only limits. */
  constructor(kind: string, isStrict: boolean, say: (text: string) => void) {
    this.#kind = kind
    this.isStrict = isStrict
    this.#say = say
  }

  inside<T>(place: Place, code: () => T): T {
    return this.isStrict ? present.run({ place, watch: this }, code) : code()
  }

  outside<T>(act: () => T): T {
    return this.isStrict ? present.run(undefined, act) : act()
  }

  warn(topic: string, text: string): void {
    if (this.#said.size >= MOST_SAID || this.#said.has(topic)) return
    this.#said.add(topic)
    const isLast = this.#said.size === MOST_SAID
    this.#say(
      `Workflow '${this.#kind}': ${text}${isLast ? ' It is the last warning about this workflow.' : ''}`,
    )
  }
}

/** Warnings about one workflow in a process: topics have names of steps in them, which may be new with each run. */
const MOST_SAID = 100

function met(name: keyof typeof INSTEAD): void {
  const inside = present.getStore()
  if (inside === undefined) return
  const { place, watch } = inside
  const text = `its code calls ${name} outside of a step, ${place.where}. It gives something else in a replay: use ${INSTEAD[name]}, or do it in a step.`
  watch.warn(name, text)
}

let users = 0
let restore = (): void => {}

/** Takes the place of globals until the answer is called. They do what they did. */
export function watchGlobals(): () => void {
  if (users++ === 0) restore = takeGlobals()
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    if (--users === 0) restore()
  }
}

function takeGlobals(): () => void {
  const restores = [
    take(Math, 'random', called('Math.random')),
    take(Date, 'now', called('Date.now')),
    take(globalThis, 'setTimeout', called('setTimeout')),
    take(globalThis, 'setInterval', called('setInterval')),
    takeDate(),
  ]
  return () => {
    for (const each of restores) each()
  }
}

type Traps = ProxyHandler<(...args: unknown[]) => unknown>

function called(name: keyof typeof INSTEAD): Traps {
  return {
    apply(target, self, args) {
      met(name)
      return Reflect.apply(target, self, args)
    },
  }
}

/** Only without arguments does it look at the clock. Dates go on saying that they were made by what is called Date. */
function takeDate(): () => void {
  const restore = take(globalThis, 'Date', {
    ...called('Date()'),
    construct(target, args, made) {
      if (args.length === 0) met('new Date()')
      return Reflect.construct(target, args, made)
    },
  })
  const restoreMaker = put(Date.prototype as { constructor: unknown }, 'constructor', Date)
  return () => {
    restoreMaker()
    restore()
  }
}

/** Puts a proxy in the place of a function. */
function take<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  traps: Traps,
): () => void {
  return put(owner, name, new Proxy(owner[name] as (...args: unknown[]) => unknown, traps) as Owner[Name])
}

function put<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  ours: Owner[Name],
): () => void {
  const original = owner[name]
  owner[name] = ours
  return () => {
    // Somebody else may have taken its place meanwhile.
    if (owner[name] === ours) owner[name] = original
  }
}
