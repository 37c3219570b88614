/**
 * A process that runs scenarios for another one: each message is a scenario, each answer its outcome.
 */
import { installFromEnvironment } from '../mutants/install.ts'

installFromEnvironment()
// refusals are errors, of which a world has many
Error.stackTraceLimit = 6
const { runTask } = await import('./task.ts')

// what is left of a world that has failed may fail again; the first failure is the one that is told
process.on('unhandledRejection', () => {})
process.on('message', (scenario: Parameters<typeof runTask>[0]) => {
  void runTask(scenario).then((outcome) => process.send?.(outcome))
})
process.on('disconnect', () => process.exit())
// a person who stops the program stops the seeds that have not begun
process.on('SIGINT', () => {})
