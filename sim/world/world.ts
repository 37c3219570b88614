/**
 * World: everything that one scenario simulates, put together: the disk, the nodes, the network, workers and
 * callers, and the checkers that watch them.
 */
import { isTerminal, stateName } from '../../src/core/model/states.ts'
import { Effects } from '../invariants/effects.ts'
import { ASTRAY, checkEnds } from '../invariants/ends.ts'
import { History } from '../invariants/history.ts'
import { Ledger } from '../invariants/ledger.ts'
import { checkLinear } from '../invariants/linear.ts'
import { LiveChecker } from '../invariants/live.ts'
import { Recorder } from '../invariants/recorder.ts'
import { RunChecker } from '../invariants/runs.ts'
import { type Checkers, Watch } from '../invariants/watch.ts'
import { Witness } from '../invariants/witness.ts'
import { Random } from '../random.ts'
import type { Scenario } from '../scenario.ts'
import { type Fault, residencyOf, type Swarm } from '../swarm.ts'
import { must } from '../violation.ts'
import { Caller, type Office } from '../workload/caller.ts'
import { childrenOf } from '../workload/play.ts'
import { Programs } from '../workload/program.ts'
import { Specs } from '../workload/specs.ts'
import { CURRENT, isOfNobody } from '../workload/versions.ts'
import type { Actor } from './actor.ts'
import { Disk } from './disk.ts'
import { Network } from './network.ts'
import { type Life, Node } from './node.ts'
import type { Scheduler } from './scheduler.ts'
import { QUEUES, RemoteWorker, type Shop, startLocalWorker } from './worker.ts'

/** Everything that is left to do must have ended this long after the faults, ms, beside the time that its work takes. */
const PATIENCE_MS = 6 * 3_600_000

/** What becomes of a run that can go neither on nor back. */
const GIVEN_UP = { verb: 'terminate', reason: ASTRAY } as const
/** What a run does under locks takes no longer than this on average, ms. */
const LOCKED_MS = 10 * 60_000

export class World {
  readonly disk: Disk
  readonly network: Network
  readonly nodes: readonly Node[]
  readonly workers: readonly RemoteWorker[]
  readonly callers: readonly Caller[]
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #swarm: Swarm
  readonly #history: History
  readonly #recorder: Recorder
  readonly #runs: RunChecker
  readonly #programs: Programs
  readonly #checkers: Checkers
  readonly #office: Office
  readonly #shop: Shop
  /** The watches of all lives that may still act. */
  readonly #watches = new Map<Actor, Watch>()
  #isHealed = false
  /** How long after the faults everything must have ended, ms. */
  patienceMs = PATIENCE_MS

  constructor({ swarm, script }: Scenario, scheduler: Scheduler) {
    const random = new Random(`${swarm.seed}/world`)
    const has = (fault: Fault): boolean => !this.#isHealed && swarm.faults.includes(fault)
    this.#scheduler = scheduler
    this.#random = random
    this.#swarm = swarm
    this.disk = new Disk(scheduler, random.fork('disk'), swarm, has)
    this.#history = new History(this.disk.tables)
    this.#recorder = new Recorder(scheduler)
    this.nodes = (swarm.store === 'network' ? ['north', 'south'] : ['north']).map((name) => this.#node(name))
    const [first] = this.nodes
    this.network = new Network(scheduler, random.fork('network'), swarm, has, first as Node)
    // an owner that was replaced and has nothing to commit goes on renewing what it has lost: O4 is to come
    const isCut = (name: string): boolean =>
      this.network.isCut(name) || this.network.serving.life?.live.isSuperseded === true
    const ledger = new Ledger(scheduler, this.#history, swarm.heartbeatMs, isCut)
    this.#checkers = { witness: new Witness(this.disk.tables), ledger, recorder: this.#recorder }
    const effects = new Effects(this.disk.tables)
    this.#runs = new RunChecker(this.disk.tables, effects)
    this.#programs = new Programs(swarm)
    const children = childrenOf(swarm.attempts, swarm.heartbeatMs)
    const flows = { scheduler, swarm, ledger, effects, programs: this.#programs, children }
    this.#shop = { ...flows, network: this.network, isCalm: script !== undefined }
    const knowsAll = (i: number): boolean => i === 0 || random.chance(0.5)
    this.workers = Array.from(
      { length: swarm.workers },
      (_, i) => new RemoteWorker(`worker-${i + 1}`, this.#shop, knowsAll(i)),
    )
    const specs = new Specs(random.fork('specs'), swarm)
    const { network } = this
    const { tables } = this.disk
    const shared = { network, swarm, history: this.#history, runs: this.#runs, effects, tables, specs }
    this.#office = { ...shared, known: [], waiting: new Set() }
    this.callers = Array.from(
      { length: swarm.clients },
      (_, i) => new Caller(`caller-${i + 1}`, this.#office),
    )
    this.#watchDisk()
  }

  /** How many commands of each type have landed. */
  get landed(): ReadonlyMap<string, number> {
    return this.#checkers.witness.landed
  }

  /** Ids that callers have heard of. */
  get known(): readonly number[] {
    return this.#office.known
  }

  start(): void {
    this.nodes[0]?.start()
    for (const worker of this.workers) worker.start()
  }

  #node(name: string): Node {
    const node = new Node({
      name,
      disk: this.disk,
      random: this.#random.fork(name),
      engine: {
        retentionEveryMs: this.#swarm.features.includes('retention') ? 60_000 : 0,
        residency: residencyOf(this.#swarm),
      },
      watches: (actor) => this.#watchOf(actor),
    })
    node.isWanted = () => this.network.serving === node
    node.onUp = (life) => {
      this.network.serving = node
      this.#replace(node)
      if (this.#swarm.features.includes('localWorkers')) startLocalWorker(life, this.#shop)
    }
    return node
  }

  #watchOf(actor: Actor): Watch {
    const watch = new Watch(new LiveChecker(actor, this.disk.tables, this.#history), this.#checkers)
    for (const other of this.#watches.keys()) if (!other.isAlive) this.#watches.delete(other)
    this.#watches.set(actor, watch)
    return watch
  }

  /** An owner that was replaced hears of it some time later, and ends. */
  #replace(by: Node): void {
    for (const node of this.nodes) {
      const { life } = node
      if (node === by || life === undefined) continue
      this.#scheduler.after(this.#random.magnitude(1, 120_000), () => node.crash('was replaced', 1, life))
    }
  }

  #lifeOf(actor: Actor): { readonly node: Node; readonly life: Life } | undefined {
    for (const node of this.nodes) if (node.life?.actor === actor) return { node, life: node.life }
    return undefined
  }

  #watchDisk(): void {
    const { witness, ledger } = this.#checkers
    this.disk.watcher = {
      onLanding: (batch) => {
        this.#history.onLanding(batch)
        witness.onLanding(batch)
        ledger.onLanding(batch)
        this.#runs.onLanding(batch)
      },
      onLanded: (batch) => this.#runs.onLanded(batch),
      onOpened: (opening, owner) => {
        this.#history.onOpened(opening)
        this.#checkRows()
        for (const [actor, watch] of this.#watches) if (actor !== owner) watch.live.supersede()
        this.#watches.get(owner)?.onOpened(owner.clock.now())
      },
      onIssued: (batch, owner) => this.#watches.get(owner)?.onIssued(batch),
      onCut: (owner) => {
        const found = this.#lifeOf(owner)
        found?.node.crash('was cut', 1_000, found.life)
      },
    }
  }

  #checkRows(): void {
    const found = this.disk.check()
    must('C9', found.length === 0, () => found.slice(0, 3).join(' '))
  }

  /** No more faults; an operator puts right what only an operator can. */
  heal(): void {
    this.#scheduler.trace('healed')
    this.#isHealed = true
    this.#shop.isCalm = true
    this.patienceMs = PATIENCE_MS + this.#workLeftMs()
    this.network.reconnectAll()
    for (const { clock } of [...this.nodes, ...this.workers]) clock.drift(1)
    const operator = this.callers[0] as Caller
    const mend = (): void => {
      for (const queue of QUEUES) operator.pause(queue, false)
      for (const job of this.disk.tables.jobs.values()) {
        const { id, state, rank } = job
        operator.answer(id)
        if (stateName(state) === 'held')
          operator.control(id, this.#runs.isAstray(job) ? GIVEN_UP : { verb: 'release' })
        else if (!isTerminal(state) && isOfNobody(this.#office.effects.wantedBy(id)))
          operator.control(id, { verb: 'repin', version: CURRENT })
        else if (stateName(state) === 'scheduled' && rank > operator.actor.clock.now() + 2 * 3_600_000)
          operator.control(id, { verb: 'expedite' })
      }
      this.#scheduler.after(10 * 60_000, () => operator.actor.run(mend))
    }
    this.#scheduler.after(3 * 60_000, () => operator.actor.run(mend))
  }

  /**
   * What is left takes no longer one after another, as one worker with one slot does it: twice as long as on average, at most. Runs
   * that wait for locks do what they do under them one after another, whoever works on them.
   */
  #workLeftMs(): number {
    const { attempts, workMs, features } = this.#swarm
    const lockedMs = features.includes('locks') ? LOCKED_MS : 0
    let live = 0
    for (const { state } of this.disk.tables.jobs.values()) if (!isTerminal(state)) live++
    return live * (2 * attempts * workMs + lockedMs)
  }

  isAtRest(): boolean {
    for (const { state } of this.disk.tables.jobs.values()) if (!isTerminal(state)) return false
    return true
  }

  /** What must hold once everything has come to rest. */
  checkRest(): void {
    for (const { id, state } of this.disk.tables.jobs.values()) {
      must(
        'L9',
        isTerminal(state),
        () =>
          `job ${id} is ${stateName(state)} ${(this.patienceMs / 3_600_000).toFixed(1)} h after all faults`,
      )
    }
    this.#checkRows()
    const [wait] = this.#office.waiting
    must(
      'L9',
      wait === undefined,
      () => `somebody still waits for job ${wait?.job}, though all jobs have ended`,
    )
    checkLinear(this.#recorder.histories, (job) => this.#runs.isUndoing(job))
    checkEnds(this.disk.tables, this.#programs)
  }
}
