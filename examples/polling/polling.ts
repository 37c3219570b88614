/**
 * A polling agent: it looks at a file until that says `done`, through restarts of its program and, by `continueAsNew`, for as long as it takes.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { open } from '../../src/index.ts'
import { watcher } from './definitions.ts'

const file = resolve('state.txt')
const states = ['ordered', 'packed', 'shipped', 'done']
writeFileSync(file, states[0] as string)

const input = { file, everyMs: 2, each: 5, looks: 0, seen: [] }
let app = await open('sqlite:polling.db')
app.work([watcher])
let run = await app.enqueue(watcher, input, { key: 'the parcel' })
for (const [number, state] of states.entries()) {
  await new Promise((resolve) => setTimeout(resolve, 150))
  console.log(`the file says ${state}`)
  writeFileSync(file, state)
  if (number !== 1) continue
  // the program ends and begins again; the agent goes on where it was
  await app.close()
  app = await open('sqlite:polling.db')
  app.work([watcher])
  run = await app.enqueue(watcher, input, { key: 'the parcel' })
}
const { looks, seen } = await run.result()
console.log(`seen: ${seen.join(', ')}`)
console.log(`more than one life of the journal: ${looks > 5}`)
await app.close()
