/**
 * The simulator as a program: see {@link USAGE}, or the README beside it.
 *
 * A mutant changes source texts while they are loaded, so everything that it may change is loaded after it.
 */
import { install } from './mutants/install.ts'
import { MUTANTS } from './mutants/mutants.ts'
import { readOptions, USAGE, WrongOption } from './program/options.ts'

// what is left of a world that has failed may fail again; the first failure is the one that is told
process.on('unhandledRejection', () => {})
try {
  const names = MUTANTS.map(({ name }) => name)
  const options = readOptions(process.argv.slice(2), names)
  if (options.mutant !== undefined && options.what !== 'mutants') install(options.mutant)
  const { main } = await import('./program/program.ts')
  process.exitCode = await main(options)
} catch (error) {
  if (!(error instanceof WrongOption)) throw error
  console.error(`${error.message}\n${USAGE}`)
  process.exitCode = 64
}
