/**
 * Run: one seed from its first event to the end. First a phase with faults, then everything heals, and what
 * is left to do must come to an end in bounded time.
 */
import { inspect } from 'node:util'
import { isTerminal, stateName } from '../src/core/model/states.ts'
import { History } from './invariants/history.ts'
import { LiveChecker } from './invariants/live.ts'
import { Random } from './random.ts'
import { drawSwarm, type Fault, type Swarm } from './swarm.ts'
import { hearViolations, must, Violation } from './violation.ts'
import { Caller, type Office } from './workload/caller.ts'
import { Specs } from './workload/specs.ts'
import { Disk } from './world/disk.ts'
import { scheduleFaults } from './world/faults.ts'
import { Network } from './world/network.ts'
import { Node } from './world/node.ts'
import { Scheduler } from './world/scheduler.ts'
import { seal } from './world/seal.ts'
import { QUEUES, RemoteWorker, type Shop, startLocalWorker } from './world/worker.ts'

/** How a seed went. */
export interface RunResult {
  readonly swarm: Swarm
  /** Identity of the run: the hash of its trace. */
  readonly digest: string
  readonly virtualMs: number
  readonly events: number
  readonly commits: number
  readonly jobs: number
  /** What went wrong; undefined when nothing did. */
  readonly error: Error | undefined
  /** The latest lines of the trace. */
  readonly tail: readonly string[]
}

/** Everything that is left to do must have ended this long after the faults, ms. */
const PATIENCE_MS = 6 * 3_600_000

/** Simulates a swarm to its end; never rejects. */
export async function runSwarm(swarm: Swarm, onLine?: (line: string) => void): Promise<RunResult> {
  const scheduler = new Scheduler()
  scheduler.onLine = onLine
  const world = new World(swarm, scheduler)
  const onRejection = (error: unknown): void => scheduler.fail(error)
  process.on('unhandledRejection', onRejection)
  hearViolations((violation) => scheduler.fail(violation))
  const open = seal(scheduler, new Random(`${swarm.seed}/ambient`))
  let error: Error | undefined
  try {
    await world.run()
  } catch (thrown) {
    error = thrown instanceof Error ? thrown : new Error(inspect(thrown))
  } finally {
    open()
    hearViolations(() => {})
    process.off('unhandledRejection', onRejection)
  }
  return {
    swarm,
    digest: scheduler.digest(),
    virtualMs: scheduler.now,
    events: scheduler.events,
    commits: world.disk.sequence,
    jobs: world.disk.tables.nextJobId - 1,
    error,
    tail: scheduler.tail(40),
  }
}

/** Draws and simulates a seed. */
export function runSeed(seed: number): Promise<RunResult> {
  return runSwarm(drawSwarm(seed, new Random(`${seed}/swarm`)))
}

class World {
  readonly disk: Disk
  readonly #swarm: Swarm
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #history: History
  readonly #nodes: Node[]
  readonly #network: Network
  readonly #shop: Shop
  readonly #workers: RemoteWorker[]
  readonly #callers: Caller[]
  #isHealed = false

  constructor(swarm: Swarm, scheduler: Scheduler) {
    this.#swarm = swarm
    this.#scheduler = scheduler
    const random = new Random(`${swarm.seed}/world`)
    this.#random = random
    const has = (fault: Fault): boolean => !this.#isHealed && swarm.faults.includes(fault)
    this.disk = new Disk(scheduler, random.fork('disk'), swarm, has)
    this.#history = new History(this.disk.tables)
    this.#nodes = (swarm.store === 'network' ? ['north', 'south'] : ['north']).map((name) => this.#node(name))
    const first = this.#nodes[0] as Node
    this.#network = new Network(scheduler, random.fork('network'), swarm, has, first)
    this.#shop = {
      scheduler,
      network: this.#network,
      random: random.fork('work'),
      swarm,
      history: this.#history,
      isCalm: false,
    }
    this.#workers = Array.from(
      { length: swarm.workers },
      (_, i) => new RemoteWorker(`worker-${i + 1}`, this.#shop),
    )
    const office: Office = {
      network: this.#network,
      random: random.fork('calls'),
      swarm,
      history: this.#history,
      specs: new Specs(random.fork('specs'), swarm),
      known: [],
      calls: 0,
    }
    this.#callers = Array.from({ length: swarm.clients }, (_, i) => new Caller(`caller-${i + 1}`, office))
    this.#watchDisk()
  }

  #node(name: string): Node {
    const { tables } = this.disk
    const node = new Node({
      name,
      disk: this.disk,
      random: this.#random.fork(name),
      retentionEveryMs: this.#swarm.features.includes('retention') ? 60_000 : 0,
      makeChecker: (life) => new LiveChecker(life, tables, this.#history),
    })
    node.isWanted = () => this.#network.serving === node
    node.onUp = (life) => {
      this.#network.serving = node
      this.#replace(node)
      if (this.#swarm.features.includes('localWorkers')) startLocalWorker(life, this.#shop)
    }
    return node
  }

  /** An owner that was replaced hears of it some time later, and ends. */
  #replace(by: Node): void {
    for (const node of this.#nodes) {
      const { life } = node
      if (node === by || life === undefined) continue
      this.#scheduler.after(this.#random.magnitude(1, 120_000), () => node.crash('was replaced', 1, life))
    }
  }

  #lifeOf(actor: { readonly name: string }) {
    return this.#nodes.find(({ life }) => life?.actor === actor)?.life
  }

  #watchDisk(): void {
    this.disk.watcher = {
      onLanding: (batch) => this.#history.onLanding(batch),
      onOpened: (opening, owner) => {
        this.#history.onOpened(opening)
        this.#checkRows()
        for (const { life } of this.#nodes) if (life?.actor !== owner) life?.live.supersede()
        this.#lifeOf(owner)?.live.reset(
          this.#nodes.find(({ life }) => life?.actor === owner)?.clock.now() ?? 0,
        )
      },
      onIssued: (batch, owner) => this.#lifeOf(owner)?.live.onIssued(batch),
    }
  }

  #checkRows(): void {
    const found = this.disk.check()
    must('C9', found.length === 0, () => found.slice(0, 3).join(' '))
  }

  async run(): Promise<void> {
    const { durationMs, operations } = this.#swarm
    const random = this.#random.fork('times')
    this.#nodes[0]?.start()
    for (const worker of this.#workers) worker.start()
    for (let i = 0; i < operations; i++) {
      const caller = random.pick(this.#callers)
      this.#scheduler.after(random.unit() * durationMs, () => caller.actor.run(() => caller.act()))
    }
    scheduleFaults(
      {
        scheduler: this.#scheduler,
        random: random.fork('faults'),
        swarm: this.#swarm,
        network: this.#network,
        nodes: this.#nodes,
        workers: this.#workers,
        callers: this.#callers.map(({ actor }) => actor.name),
      },
      () => this.#isHealed,
    )
    await this.#scheduler.run(durationMs)
    await this.#heal()
  }

  /** No more faults; an operator puts right what only an operator can. */
  async #heal(): Promise<void> {
    this.#scheduler.trace('healed')
    this.#isHealed = true
    this.#shop.isCalm = true
    this.#network.cut.clear()
    for (const { clock } of [...this.#nodes, ...this.#workers]) clock.drift(1)
    const end = this.#scheduler.now + PATIENCE_MS
    const operator = this.#callers[0] as Caller
    const mend = (): void => {
      for (const queue of QUEUES) operator.pause(queue, false)
      for (const { id, state, rank } of this.disk.tables.jobs.values()) {
        if (stateName(state) === 'held') operator.control(id, { verb: 'release' })
        else if (stateName(state) === 'scheduled' && rank > operator.actor.clock.now() + 2 * 3_600_000)
          operator.control(id, { verb: 'expedite' })
      }
      this.#scheduler.after(10 * 60_000, () => operator.actor.run(mend))
    }
    this.#scheduler.after(3 * 60_000, () => operator.actor.run(mend))
    // every worker lives, and every pause is over, by then
    await this.#scheduler.run(this.#scheduler.now + 4 * 60_000)
    let looked = 0
    await this.#scheduler.run(end, () => ++looked % 50 === 0 && this.#isAtRest())
    this.#checkRest()
  }

  #isAtRest(): boolean {
    for (const { state } of this.disk.tables.jobs.values()) if (!isTerminal(state)) return false
    return true
  }

  #checkRest(): void {
    for (const { id, state } of this.disk.tables.jobs.values()) {
      must(
        'L9',
        isTerminal(state),
        () => `job ${id} is ${stateName(state)} ${PATIENCE_MS / 3_600_000} h after all faults`,
      )
    }
    this.#checkRows()
  }
}

/** Whether an error says that something never came, rather than that something wrong came. */
export function isLiveness(error: Error): boolean {
  return error instanceof Violation && error.id === 'L9'
}
