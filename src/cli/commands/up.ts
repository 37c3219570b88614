/**
 * `perdure up`: node and worker in one process.
 */
import type { Definition } from '../commands.ts'
import { addExamples } from '../context.ts'
import { NODE_SETTINGS, withServedStore } from '../serve.ts'
import { addSettingOptions } from '../settings.ts'
import { isSupervised } from '../supervised/orders.ts'
import { supervise } from '../supervised/supervisor.ts'
import { addRunOptions, type RunOptions, readPlan, work } from './run.ts'

export const define: Definition = (command, run) => {
  addSettingOptions(addRunOptions(command), ...NODE_SETTINGS, 'worker.supervised')
  addExamples(
    command,
    ['perdure up jobs.ts', 'serves your own store on 127.0.0.1, port 7400, and runs the jobs of jobs.ts'],
    ['perdure up jobs.ts --shell -j 16', 'also runs what `perdure submit` submits, sixteen at once'],
    ['perdure up jobs.ts --supervised', 'started again whenever it dies, and by new code on SIGHUP'],
  )
  command.action(
    run<RunOptions>(async (context, [file = ''], options) => {
      const { worker } = (await context.settings()).current
      // a store has one owner, and a port one listener: a successor could not begin beside the present process
      if (worker.supervised && !isSupervised(context.env)) return supervise(context, { overlaps: false })
      const plan = await readPlan(file, options)
      // the worker is drained before the doors close: others may wait for its jobs
      return withServedStore(context, (store) => work(context, store, plan))
    }),
  )
}
