/**
 * One store, several processes: this one opens the file, and others of the same user reach it on a socket beside it
 * (so does the command line). Two of them run the jobs. A worker that is
 * told to end (SIGTERM) takes no more work, finishes what it has, and goes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { draft, drainOnSignals, job, open } from '../../src/index.ts'

const task = job('task', {
  run: async (number: number, ctx) => {
    await delay(20, undefined, { signal: ctx.signal })
    return { number, process: process.pid }
  },
})

/** A worker needs no more than the socket. */
async function work(socket: string): Promise<void> {
  await using app = await open(`unix:${socket}`)
  const worker = app.work([task], { concurrency: 4 })
  drainOnSignals(worker)
  await new Promise((resolve) => worker.on('drained', resolve))
}

async function own(folder: string): Promise<void> {
  const file = join(folder, 'app.db')
  await using app = await open(`sqlite:${file}`)

  const args = [import.meta.filename, `${file}.sock`]
  const workers = [1, 2].map(() => spawn(process.execPath, args, { stdio: 'inherit' }))
  try {
    const handles = await app.enqueueMany(Array.from({ length: 200 }, (_, number) => draft(task, number)))
    const results = await Promise.all(handles.map((handle) => handle.result()))
    const processes = new Set(results.map((result) => result.process))
    console.log(`${results.length} jobs were run by ${processes.size} processes, none of them the owner`)
    for (const child of workers) {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      console.log(`a worker drained and ended with exit code ${(await exit)[0]}`)
    }
  } finally {
    for (const child of workers) child.kill('SIGKILL')
  }
}

const [socket] = process.argv.slice(2)
if (socket !== undefined) await work(socket)
else {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-'))
  try {
    await own(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
