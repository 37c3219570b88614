/**
 * fast-check as all tests use it: with one seed in a run, so that a gate answers the same today and tomorrow.
 *
 * Owns: the seed and the number of inputs. `PROPERTY_SEED` is a number, or `random`; `PROPERTY_RUNS` multiplies the inputs
 * of every property. `npm run fuzz` sets both.
 */
import fc from 'fast-check'

/** Of a run that names none: any number is as good as another, as long as it stays. */
const USUAL_SEED = 1

fc.configureGlobal({ seed: readSeed(process.env.PROPERTY_SEED) })

export { fc }

/** How many inputs a property is tried with, in the form that fast-check takes. */
export function times(inputs: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(inputs * Number(process.env.PROPERTY_RUNS ?? 1)) }
}

function readSeed(text = String(USUAL_SEED)): number {
  if (text === 'random') return Math.floor(Math.random() * 2 ** 31)
  const seed = Number(text)
  if (Number.isInteger(seed)) return seed
  throw new Error(`expected PROPERTY_SEED to be a whole number or "random"; found "${text}"`)
}
