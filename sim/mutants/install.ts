/**
 * Install: makes this process load its modules with the changes of a mutant. Has to happen before any of them
 * is loaded.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { patch } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

const ROOT = new URL('../../', import.meta.url)

/** Installs the mutant of that name. Throws where there is none, or where it no longer fits. */
export function install(name: string): void {
  const mutant = MUTANTS.find((one) => one.name === name)
  if (mutant === undefined) throw new Error(`there is no mutant '${name}'`)
  const files = new Map(mutant.edits.map(({ file }) => [new URL(file, ROOT).href, file]))
  registerHooks({
    load(url, context, nextLoad) {
      const file = files.get(url)
      if (file === undefined) return nextLoad(url, context)
      const source = patch(file, readFileSync(fileURLToPath(url), 'utf8'), mutant)
      return { format: 'module-typescript', source, shortCircuit: true }
    },
  })
}

/** Installs the mutant that the environment names, if any. */
export function installFromEnvironment(): void {
  const name = process.env.MUTANT
  if (name !== undefined && name !== '') install(name)
}
