/**
 * The program of a process that runs submitted commands for a worker: small, so that starting a command, for which the
 * whole process has to be copied, is quick.
 *
 * Usage: node shell-process.ts [STORE], started by a pool of processes.
 */
import { serveExecutor } from '../executors/process/serve.ts'
import { createShellExecutor } from '../executors/shell/shell.ts'

process.title = 'perdure: commands'
const [, , storeId] = process.argv
void serveExecutor(async () => ({ executor: createShellExecutor(storeId === undefined ? {} : { storeId }) }))
