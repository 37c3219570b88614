/**
 * A human task: a workflow asks a person, and the answer is taken or asked for again. Here the program answers by itself; a person
 * would use `perdure inbox` and `perdure answer`, or a page of yours that calls `app.inbox()` and `app.answer()`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { open, type Question } from '../../src/index.ts'
import { expense } from './definitions.ts'

const app = await open('sqlite:approval.db')
app.work([expense])

/** Waits until a run asks something. */
async function question(run: number, round: number): Promise<Question> {
  for (;;) {
    for await (const one of app.inbox({ assignee: 'ada' })) {
      if (one.run === run && one.round === round) return one
    }
    await delay(10)
  }
}

const chairs = await app.enqueue(expense, { what: 'chairs', amount: 80 })
const first = await question(chairs.id, 1)
console.log(`${first.assignee} is asked: ${first.title}`, first.about)
await app.answer(first.token, { isApproved: true, amount: 120 }, { by: 'ada' })

// an answer that is not taken is asked for again, with the reason
const again = await question(chairs.id, 2)
console.log(`asked again: ${again.rejected?.reason}`)
await app.answer(again.token, { isApproved: true, amount: 70 }, { by: 'ada' })
console.log(await chairs.result())

const boat = await app.enqueue(expense, { what: 'a boat', amount: 90_000 })
await app.answer((await question(boat.id, 1)).token, { isApproved: false }, { by: 'ada' })
console.log(await boat.result())
await app.close()
