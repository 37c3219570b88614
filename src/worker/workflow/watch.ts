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
    if (this.#said.has(topic)) return
    this.#said.add(topic)
    this.#say(`Workflow '${this.#kind}': ${text}`)
  }
}

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
    take(Math, 'random', 'Math.random'),
    take(Date, 'now', 'Date.now'),
    take(globalThis, 'setTimeout', 'setTimeout'),
    take(globalThis, 'setInterval', 'setInterval'),
  ]
  return () => {
    for (const each of restores) each()
  }
}

function take<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  shown: keyof typeof INSTEAD,
): () => void {
  const original = owner[name] as (...args: unknown[]) => unknown
  const ours = new Proxy(original, {
    apply(target, self, args) {
      met(shown)
      return Reflect.apply(target, self, args)
    },
  })
  owner[name] = ours as Owner[Name]
  return () => {
    // Somebody else may have taken its place meanwhile.
    if (owner[name] === (ours as Owner[Name])) owner[name] = original as Owner[Name]
  }
}
