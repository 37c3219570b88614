/**
 * A workflow that asks people in a Telegram chat. Without a bot of yours it speaks to a stand-in on this machine, which is how
 * the tests run it; with TELEGRAM_TOKEN and TELEGRAM_CHAT in the environment, to Telegram.
 */
import { open, workflow } from '../../src/index.ts'
import { TelegramChannel } from './channel.ts'
import { StandIn } from './stand-in.ts'

const { TELEGRAM_TOKEN, TELEGRAM_CHAT } = process.env
const isReal = TELEGRAM_TOKEN !== undefined && TELEGRAM_CHAT !== undefined
const standIn = new StandIn('stand-in')
const telegram = new TelegramChannel(
  isReal
    ? { token: TELEGRAM_TOKEN, chat: Number(TELEGRAM_CHAT) }
    : { token: 'stand-in', chat: 1, api: await standIn.open() },
)

const release = workflow('release', {
  run: async (flow, version: string) => {
    const isApproved = await flow.human<boolean>({
      title: `Release ${version}?`,
      prepare: () => ({ tests: 'passed' }),
      process: (answer, by) => {
        console.log(`${by} says ${answer ? 'yes' : 'no'} to ${version}`)
        return answer
      },
      notify: telegram.notify,
    })
    return isApproved ? `${version} is out` : `${version} is put off`
  },
})

const app = await open('memory:')
app.work([release])
const stop = new AbortController()
const listening = telegram.listen(app, stop.signal)
if (!isReal) console.log('Telegram is a stand-in here')

for (const [version, text] of Object.entries({ '1.0': 'Yes', '1.1': 'No' })) {
  const run = await app.enqueue(release, version)
  if (!isReal) standIn.press(await standIn.next(), text, 'ada')
  console.log(await run.result())
}

stop.abort()
await listening
await app.close()
if (!isReal) await standIn.close()
