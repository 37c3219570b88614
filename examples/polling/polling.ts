/**
 * A polling agent: it looks at a file until that says `done`, through a restart of its program and, by `continueAsNew`, for as long as it takes.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { open } from '../../src/index.ts'
import { type Watch, watcher } from './definitions.ts'

const file = resolve('state.txt')
writeFileSync(file, 'ordered')

/** One life of the program; the key leads to the same run in all of them. */
async function begin() {
  const app = await open('sqlite:polling.db')
  app.work([watcher])
  const input: Watch = { file, everyMs: 2, each: 5, looks: 0, seen: [] }
  return { app, run: await app.enqueue(watcher, input, { key: 'the parcel' }) }
}
let { app, run } = await begin()

/** Waits until the agent has seen something: in what it was before it began anew, or in what it has on record since. */
async function untilSeen(state: string): Promise<void> {
  for (;;) {
    const { looks, seen } = (await run.status()).input as Watch
    const { rows } = await app.client.workflows.journal(run.id)
    const isSeen = seen.includes(state) || rows.some(({ value }) => value === JSON.stringify(state))
    if (isSeen && looks > 0) return
    await delay(5)
  }
}

for (const state of ['packed', 'shipped']) {
  console.log(`the file says ${state}`)
  writeFileSync(file, state)
  await untilSeen(state)
  // the program ends and begins again; the agent goes on where it was
  await app.close()
  ;({ app, run } = await begin())
}
console.log('the file says done')
writeFileSync(file, 'done')
const { looks, seen } = await run.result()
console.log(`seen: ${seen.slice(-3).join(', ')}`)
console.log(`more than one life of the journal: ${looks > 5}`)
await app.close()
