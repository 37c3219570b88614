/**
 * `perdure up`: node and worker in one process.
 */
import { addExamples } from '../context.ts'
import type { Definition } from '../program.ts'
import { NODE_SETTINGS, withServedStore } from '../serve.ts'
import { addSettingOptions } from '../settings.ts'
import { addRunOptions, type RunOptions, readPlan, work } from './run.ts'

export const define: Definition = (command, run) => {
  addSettingOptions(addRunOptions(command), ...NODE_SETTINGS)
  addExamples(
    command,
    ['perdure up jobs.ts', 'serves your own store on 127.0.0.1, port 7400, and runs the jobs of jobs.ts'],
    ['perdure up jobs.ts --shell -j 16', 'also runs what `perdure submit` submits, sixteen at once'],
  )
  command.action(
    run<RunOptions>(async (context, [file = ''], options) => {
      const plan = await readPlan(file, options)
      // the worker is drained before the doors close: others may wait for its jobs
      return withServedStore(context, (store) => work(context, store, plan))
    }),
  )
}
