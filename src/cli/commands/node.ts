/**
 * `perdure node`: owns a store and serves it to others.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { followSettings } from '../follow-settings.ts'
import { NODE_SETTINGS, withServedStore } from '../serve.ts'
import { addSettingOptions } from '../settings.ts'
import { EndSignals } from '../work.ts'

export const define: Definition = (command, run) => {
  addSettingOptions(command, ...NODE_SETTINGS)
  addExamples(
    command,
    ['perdure node', 'serves your own store on 127.0.0.1, port 7400, until interrupted'],
    ['perdure node --url sqlite:/var/lib/perdure/jobs.db', 'another store'],
    ['perdure status --url http://127.0.0.1:7400', 'how others speak to it'],
  )
  command.action(
    run((context) =>
      withServedStore(context, async (_store, logger) => {
        using signals = new EndSignals()
        const stopFollowing = followSettings({ settings: await context.settings(), logger })
        await new Promise<void>((resolve) => {
          if (signals.gently.aborted) resolve()
          signals.gently.addEventListener('abort', () => resolve(), { once: true })
        })
        stopFollowing()
        return 0
      }),
    ),
  )
}
