/**
 * `perdure wait`: until jobs have ended; its exit code tells how.
 */
import type { JobEnd } from '../../client/types.ts'
import { JOB_STATES } from '../../core/model/states.ts'
import { PerdureError, perdureError } from '../../errors.ts'
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { exitOfAll, Waiting } from '../ends.ts'
import { noteIdle } from '../notes.ts'
import { parseSpan } from '../parse/values.ts'
import { ProgressLine } from '../render/progress.ts'
import { addFilterOptions, type FilterOptions, readSelection, selectIds } from '../select.ts'
import { EndSignals, Interrupted } from '../work.ts'

interface WaitOptions extends FilterOptions {
  readonly timeout?: string
}

const LIVE = JOB_STATES.slice(0, 7)
/** What has ended already answers within this time, on a slow machine too. */
const WAITS_AFTER_MS = 2_000

export const define: Definition = (command, run) => {
  command
    .argument('[id...]', 'ids and ranges of them, such as 12 20-30')
    .option('--timeout <duration>', 'give up after this time, with exit code 124')
  addFilterOptions(command)
  addExamples(
    command,
    [
      'perdure wait 12 && echo done',
      'exits with 0 if job 12 succeeds, with the code of its command if it fails',
    ],
    ['perdure wait 20-30 --timeout 1h', '0 if all succeed, 1 if any does not, 124 after an hour'],
    ['perdure wait --queue video', 'for everything that is in one queue now'],
  )
  command.action(
    run<WaitOptions>((context, words, options) => {
      const selection = readSelection(words, options, LIVE)
      return context.withStore({ serves: true, creates: false }, async (store) => {
        using signals = new EndSignals()
        const { out } = context
        const ids = await selectIds(store.client, selection)
        const exact = new Set(ids.filter(({ isExact }) => isExact).map(({ id }) => id))
        const tally = { count: ids.length, done: 0, failed: 0, last: undefined as JobEnd | undefined }
        const timeout = new AbortController()
        const limit = options.timeout === undefined ? undefined : parseSpan('--timeout', options.timeout)
        const timer =
          limit === undefined
            ? undefined
            : setTimeout(() => timeout.abort(tookTooLong(options.timeout ?? '')), limit)
        const waiting = new Waiting(
          store.client,
          AbortSignal.any([signals.gently, timeout.signal]),
          (end) => {
            tally.done += 1
            tally.last = end
            if (end.state !== 'succeeded') tally.failed += 1
            progress.clear()
            out.data(end, `${end.id}\t${end.state}\n`)
          },
          (id, error) => {
            const isGap = !exact.has(id) && error instanceof PerdureError && error.code === 'NOT_FOUND'
            if (isGap) tally.count -= 1
            return isGap
          },
        )
        const progress = new ProgressLine(out.stderr, !out.quiet, () => ({
          done: tally.done,
          failed: tally.failed,
          total: tally.count,
        }))
        try {
          waiting.add(ids.map(({ id }) => id))
          const ended = waiting.finish()
          // Told only to those who really wait.
          const note = setTimeout(() => void noteIdle(context, store).catch(() => {}), WAITS_AFTER_MS)
          await ended.finally(() => clearTimeout(note))
        } catch (error) {
          if (!(error instanceof Interrupted)) throw error
          return error.exit
        } finally {
          clearTimeout(timer)
          progress.stop()
        }
        return exitOfAll(tally)
      })
    }),
  )
}

function tookTooLong(timeout: string) {
  return perdureError('TIMEOUT', {
    expected: `the jobs to end within ${timeout}`,
    found: 'that some have not',
    fix: 'Wait again, or look at `perdure status`; the jobs go on',
  })
}
