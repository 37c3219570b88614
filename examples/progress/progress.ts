/**
 * Watching: the states that a job goes through, how far it says it is, and what it writes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { job, open } from '../../src/index.ts'

const render = job('render', {
  run: async (frames: number, ctx) => {
    for (let frame = 1; frame <= frames; frame++) {
      await delay(100, undefined, { signal: ctx.signal })
      ctx.log(`frame ${frame} is drawn`)
      ctx.progress(frame / frames, `${frame} of ${frames} frames`)
    }
    return { frames }
  },
})

await using app = await open('memory:')

// from here on every change of state is told, in the order of the commits
const over = new AbortController()
const watching = (async () => {
  for await (const { id, state, progress } of app.watch({}, over.signal)) {
    const far = progress === undefined ? '' : `, ${Math.round(progress.fraction * 100)}%: ${progress.message}`
    console.log(`job ${id} is ${state}${far}`)
  }
})()

app.work([render])
const handle = await app.enqueue(render, 3)
console.log('result:', await handle.result())
for await (const { stream, text } of handle.logs()) process.stdout.write(`${stream}: ${text}`)

over.abort()
await watching
