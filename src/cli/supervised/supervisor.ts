/**
 * The process above a worker: starts it, starts it again when it dies, and replaces it by new code without losing work.
 *
 * Owns: the worker's process and its successor. It runs no jobs and opens no store, so that it has nothing to die of.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Logger } from '../../runtime/logger/logger.ts'
import { type Service, Supervisor } from '../../runtime/supervision/supervisor.ts'
import type { Context } from '../context.ts'
import { makeLogger } from '../logging.ts'
import { type Order, READY, SUPERVISOR_VARIABLE } from './orders.ts'

/** One process that works. */
interface Generation {
  readonly child: ChildProcess
  /** Whether it came to work, or died before. */
  readonly isReady: Promise<boolean>
  /** Its exit code; those of signals count as 128 and more. */
  readonly exit: Promise<number>
}

/** How a process is replaced. */
interface SuperviseOptions {
  /** Whether its successor works before it ends. Default true; where both cannot be at once, the one ends first. */
  readonly overlaps?: boolean
}

/**
 * Supervises this very command line in a process of its own, until that ends by itself or a signal comes. SIGHUP
 * replaces it.
 *
 * @returns the exit code.
 * @throws SERVICE_FAILED when the worker dies again and again.
 */
export async function supervise(context: Context, options: SuperviseOptions = {}): Promise<number> {
  process.title = 'perdure: supervisor'
  const logger = await makeLogger(context, 'worker')
  const worker = new WorkerProcess(context, logger, options.overlaps ?? true)
  const supervisor = new Supervisor({
    name: 'this supervisor',
    services: [worker],
    onEvent: (event) => {
      if (event.type === 'failed')
        logger.warn(`The worker died (${String(event.error)}). It is started again`)
    },
  })
  const ending = new AbortController()
  const end = (): void => {
    if (ending.signal.aborted) worker.order('insist')
    ending.abort()
  }
  const reload = (): void => void worker.replace()
  process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', reload)
  try {
    await supervisor.run(ending.signal)
    return worker.exitCode
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end).off('SIGHUP', reload)
  }
}

/** The worker, whichever process it is. */
class WorkerProcess implements Service {
  readonly name = 'the worker'
  readonly restart = 'transient'
  /** How long an end takes is the worker's own affair, and a second signal ends it. */
  readonly stopMs = Number.MAX_SAFE_INTEGER
  exitCode = 0
  readonly #context: Context
  readonly #logger: Logger
  readonly #overlaps: boolean
  readonly #living = new Set<Generation>()
  #current: Generation | undefined
  #hasWorked = false
  #isReplacing = false

  constructor(context: Context, logger: Logger, overlaps: boolean) {
    this.#context = context
    this.#logger = logger
    this.#overlaps = overlaps
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#current = this.#spawn()
    signal.addEventListener('abort', () => this.order('end'), { once: true })
    for (;;) {
      const generation: Generation = this.#current
      const code = await generation.exit
      // a successor has taken over meanwhile
      if (generation !== this.#current) continue
      if (this.#isReplacing && !this.#overlaps && !signal.aborted) {
        this.#isReplacing = false
        this.#current = this.#spawn()
        continue
      }
      if (code !== 0 && !signal.aborted && this.#hasWorked) throw new Error(`exit code ${code}`)
      this.exitCode = code
      // who retired has work in hand until it has ended
      await Promise.all([...this.#living].map(({ exit }) => exit))
      return
    }
  }

  /** Tells all processes. */
  order(order: Order): void {
    for (const { child } of this.#living) if (child.connected) child.send(order, () => {})
  }

  /**
   * Starts a successor; once it works, lets the present process end what it has in hand. Where they cannot be at once, the
   * present one ends first.
   */
  async replace(): Promise<void> {
    const before = this.#current
    if (this.#isReplacing || before === undefined) return
    this.#isReplacing = true
    const logger = this.#logger
    if (!this.#overlaps) {
      logger.info('Ending the worker, to start it again')
      this.order('end')
      return
    }
    logger.info('Starting a successor of the worker')
    const next = this.#spawn()
    if (!(await next.isReady)) {
      logger.warn('The successor did not come to work; the worker goes on')
    } else {
      this.#current = next
      if (before.child.connected) before.child.send('retire' satisfies Order, () => {})
      logger.info(
        `The successor works (process ${next.child.pid}); process ${before.child.pid} ends what it runs`,
      )
    }
    this.#isReplacing = false
  }

  #spawn(): Generation {
    const { env } = this.#context
    const [program = process.execPath, ...args] = [
      process.execPath,
      ...process.execArgv,
      ...process.argv.slice(1),
    ]
    const child = spawn(program, args, {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...env, [SUPERVISOR_VARIABLE]: String(process.pid) },
    })
    const exit = new Promise<number>((resolve) => {
      child.once('error', () => resolve(126))
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 128)))
    })
    const isReady = new Promise<boolean>((resolve) => {
      child.on('message', (message) => {
        if (message !== READY) return
        this.#hasWorked = true
        resolve(true)
      })
      void exit.then(() => resolve(false))
    })
    const generation = { child, exit, isReady }
    this.#living.add(generation)
    void exit.then(() => this.#living.delete(generation))
    return generation
  }
}
