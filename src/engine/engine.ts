/**
 * Engine: the only meeting point of core and store. It owns one shard.
 *
 * Commands of a turn of the event loop are applied in memory one after another. When no commit is on its way,
 * what changed goes to the store as one batch; the next gathers meanwhile, and follows at once when it has grown
 * large. So an idle engine commits at once and a busy one in big groups, with nothing to tune. Replies, leases and
 * events leave when the commit that they depend on is durable, never before (D2).
 *
 * A failed commit is survived by forgetting: memory is dropped, the epoch grows, the shard is read anew (D6, D7).
 */
import { apply, type Command, type Replies, type Reply } from '../core/apply.ts'
import type { JobRow } from '../core/model/job.ts'
import type { Profile, Timeouts } from '../core/model/profile.ts'
import { shareOf } from '../core/model/requirements.ts'
import type { RouteRow } from '../core/model/rows.ts'
import { Absent } from '../core/view.ts'
import { PerdureError } from '../errors.ts'
import type { Surroundings } from '../runtime/services.ts'
import { type Batch, NO_LOAD, type Store, type StoreReads } from '../store/store.ts'
import { Announcer } from './announcer.ts'
import { Dispatcher, type Poll } from './dispatcher.ts'
import { Duties } from './duties.ts'
import { closedError, internalError, overloadedError, storeError, unknownError } from './failures.ts'
import { Leases } from './leases.ts'
import { Reloads } from './reloads.ts'
import { RESIDENCY, type Residency } from './residency.ts'
import { type Answered, type Departure, type Task, weightOf } from './task.ts'
import { WorkingSet } from './workingset.ts'

/** Rows after which a commit gathers no more: keeps groups short enough to overlap with the work they cause. */
const MOST_WEIGHT = 2_000
/** Rows from which on a commit is issued in the middle of a turn, if the store has room for it. */
const GROUP_WEIGHT = 512
/** Commits on their way at once. */
const MOST_FLIGHTS = 2
/** Rows from which on a commit is issued behind another: fewer gather, and save a sync. */
const OVERLAP_WEIGHT = 256
/** Commands that may wait where nobody says otherwise: a second or two of work. */
const MAX_WAITING = 100_000

/** A commit on its way. */
interface Flight {
  readonly departure: Departure
  readonly batch: Batch
  readonly commit: Promise<void>
}

/** Settings of an engine. */
export interface EngineOptions {
  /** How often ended jobs are looked for whose retention is over, ms. Default 60 s; 0 for never. */
  readonly retentionEveryMs?: number
  /** Commands that may wait; beyond it new ones are refused before they begin. Default 100,000. */
  readonly maxWaiting?: number
  /** How much of the shard is kept in memory. Default: {@link RESIDENCY}. */
  readonly residency?: Residency
  /** Hears of every command in the moment it is applied or refused, before it is durable: for checks from outside. */
  readonly onApplied?: (command: Command, reply: Reply | PerdureError, now: number) => void
}

export class Engine {
  readonly leases = new Leases()
  readonly announcer = new Announcer((job) => this.leases.graceOf(job))
  readonly surroundings: Surroundings
  readonly #store: Store
  readonly #dispatcher = new Dispatcher()
  readonly #duties: Duties
  readonly #residency: Residency
  readonly #maxWaiting: number
  readonly #onApplied: EngineOptions['onApplied']
  #workingSet!: WorkingSet
  #epoch = 0
  #sequence = 0
  /** The sequence number at which the shard was opened last. */
  #openedAt = 0
  #now = 0
  #state: 'open' | 'reloading' | 'closed' = 'reloading'
  #inbox: Task[] = []
  #absent: Task[] = []
  /** Commands that wait for the read that is on its way. */
  #awaited: Task[] = []
  #answered: Answered[] = []
  #weight = 0
  /** Commands that began again when the shard was last opened anew. They are refused when that happens once more. */
  #carried = new WeakSet<Task>()
  readonly #reloads: Reloads
  /** Commits on their way, in order. */
  #flights: Flight[] = []
  #isTurnDue = false
  #isLoading = false
  #onQuiet: (() => void)[] = []
  #closing: Promise<void> | undefined

  private constructor(store: Store, surroundings: Surroundings, options: EngineOptions) {
    this.#store = store
    this.surroundings = surroundings
    this.#duties = new Duties(this, options.retentionEveryMs ?? 60_000)
    this.#reloads = new Reloads(surroundings)
    this.#residency = options.residency ?? RESIDENCY
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING
    this.#onApplied = options.onApplied
  }

  /** Takes ownership of the store's shard and begins to work. Rejects with what the store's `open` rejects with. */
  static async open(store: Store, surroundings: Surroundings, options: EngineOptions = {}): Promise<Engine> {
    const engine = new Engine(store, surroundings, options)
    await engine.#load()
    // Workers inside the process that owned the shard before have ended with it.
    for (const lease of engine.leases.local()) engine.#duties.lose(lease)
    engine.#duties.start()
    return engine
  }

  /** False while the shard is opened anew, and once the engine has ended. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Where the shard stands, as far as it is durable. */
  get position(): { readonly shard: number; readonly epoch: number; readonly sequence: number } {
    const first = this.#flights[0]
    return {
      shard: 0,
      epoch: this.#epoch,
      sequence: first === undefined ? this.#sequence : first.batch.sequence - 1,
    }
  }

  /** Reads of committed data. */
  get reads(): StoreReads {
    return this.#store.reads
  }

  get workingSet(): WorkingSet {
    return this.#workingSet
  }

  /** A route of a durable job, from memory or from the store: for who asks outside of any command. */
  async route(id: number): Promise<RouteRow> {
    const known = this.#workingSet.routes.peekById(id)
    if (known !== undefined) return known
    const request = { ...NO_LOAD, routesById: [id] }
    const loaded = await this.#store.load(request)
    this.#workingSet.endLoads(request, loaded)
    return loaded.routes[0] as RouteRow
  }

  /** Shard time, epoch ms: never goes back, nor behind what any owner has committed (T1). */
  now(): number {
    this.#now = Math.max(this.#now, this.surroundings.now())
    return this.#now
  }

  /** Ends the attempts of a worker of this process that went without giving them back. */
  loseWorker(worker: number): void {
    for (const lease of this.leases.ofWorker(worker)) this.#duties.lose(lease)
  }

  /** Hands in a command; `done` gets the reply, or an error, once it may leave. */
  post(command: Command, done: Task['done'], restart?: () => void): void {
    if (this.#state === 'closed') {
      done(closedError())
    } else if (this.#inbox.length >= this.#maxWaiting) {
      done(overloadedError(this.#maxWaiting))
    } else {
      this.#inbox.push(restart === undefined ? { command, done } : { command, done, restart })
      this.#scheduleTurn()
    }
  }

  /** {@link post} as a promise. */
  submit<C extends Command>(command: C): Promise<Exclude<Replies[C['type']], PerdureError>> {
    return new Promise((resolve, reject) => {
      this.post(command, (reply) => {
        if (reply instanceof PerdureError) reject(reply)
        else resolve(reply as Exclude<Replies[C['type']], PerdureError>)
      })
    })
  }

  /** Parks a request for work until there is some. */
  poll(poll: Poll): void {
    if (this.#state === 'closed') {
      poll.fail(closedError())
      return
    }
    this.#dispatcher.park(poll)
    this.#scheduleTurn()
  }

  /** Parks a poll again that got nothing because something failed. */
  #park(poll: Poll): void {
    if (this.#dispatcher.isCalledOff(poll)) poll.deliver([])
    else this.poll(poll)
  }

  /** Calls a poll off. Answers false when its leases are on their way; they are delivered then. */
  unpoll(poll: Poll): boolean {
    return this.#dispatcher.unpark(poll)
  }

  /** How many jobs parked polls could take beyond those that are ready; counts no further than `most`. */
  demand(most: number): number {
    return this.#dispatcher.demand(this.#workingSet, most)
  }

  /** Makes the engine look at the time: a timer went off. */
  wake(): void {
    this.#scheduleTurn()
  }

  /** Tries all parked polls again: a queue was opened. */
  retryPolls(): void {
    this.#dispatcher.retryAll()
    this.#scheduleTurn()
  }

  /** Looks at these polls anew: what their worker can take has changed. */
  retry(polls: Iterable<Poll>): void {
    this.#dispatcher.retry(polls)
    this.#scheduleTurn()
  }

  /** Ends ownership: nothing is in flight when it resolves (O5). */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#duties.stop()
    await this.#quiet()
    this.#end(closedError())
    await this.#store.close()
  }

  /** Serves nobody any more, and says so to all who wait. */
  #end(reason: PerdureError): void {
    this.#state = 'closed'
    const tasks = [...this.#inbox, ...this.#absent]
    this.#inbox = []
    this.#absent = []
    for (const task of tasks) task.done(reason)
    for (const poll of this.#dispatcher.takeAll()) poll.fail(reason)
    this.announcer.close(reason)
  }

  /** Resolves when nothing is applied, waiting or in flight. */
  #quiet(): Promise<void> {
    if (this.#isQuiet()) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onQuiet.push(resolve)
    })
  }

  #isQuiet(): boolean {
    if (this.#state === 'closed') return true
    const waiting = this.#inbox.length + this.#absent.length + this.#awaited.length + this.#answered.length
    return this.#state === 'open' && waiting === 0 && this.#flights.length === 0 && !this.#workingSet.isDirty
  }

  /** Reads where the shard stands, and makes it work from there. */
  async #load(): Promise<void> {
    const opening = await this.#store.open()
    this.#epoch = opening.epoch
    this.#sequence = opening.sequence
    this.#openedAt = opening.sequence
    // The clock of this owner may be behind that of the one before.
    this.#now = Math.max(this.#now, opening.time)
    const workingSet = new WorkingSet(
      opening,
      (before, after) => this.#jobChanged(before, after),
      (job) => this.announcer.noteNews(job, this.#now),
      this.#residency,
    )
    this.#workingSet = workingSet
    const profileOf = await this.#readProfiles(opening.running)
    this.leases.clear()
    this.#duties.reset()
    const now = this.now()
    for (const job of opening.running) {
      this.leases.follow(undefined, job, (row) => profileOf(row).timeouts, now)
      workingSet.reserve(job, shareOf(profileOf(job).requires))
    }
    this.#state = 'open'
    this.#dispatcher.retryAll()
    this.#scheduleTurn()
  }

  /** The options of what runs, read past what is kept in memory: that may have no room for all of them. */
  async #readProfiles(running: readonly JobRow[]): Promise<(job: JobRow) => Profile> {
    const routesById = [...new Set(running.map((job) => job.route))]
    const { routes } = await this.#store.load({ ...NO_LOAD, routesById })
    const profilesById = [...new Set(routes.map((route) => route.profile))]
    const { profiles } = await this.#store.load({ ...NO_LOAD, profilesById })
    const ofProfile = new Map(profiles.map(({ id, text }) => [id, JSON.parse(text) as Profile]))
    const ofRoute = new Map(routes.map(({ id, profile }) => [id, ofProfile.get(profile)]))
    return (job) => ofRoute.get(job.route) as Profile
  }

  #jobChanged(before: JobRow | undefined, after: JobRow | undefined): void {
    if (before?.nonce != null || after?.nonce != null) {
      this.leases.follow(before, after, (job) => this.#timeoutsOf(job), this.#now)
    }
    this.announcer.note(before, after, this.#now)
  }

  /** The time limits of a job that is being leased: the command has just looked at them. */
  #timeoutsOf(job: JobRow): Timeouts {
    return this.#workingSet.profileById(this.#workingSet.routeById(job.route).profile).timeouts
  }

  #scheduleTurn(): void {
    if (this.#isTurnDue || this.#state !== 'open') return
    this.#isTurnDue = true
    this.surroundings.defer(() => {
      this.#isTurnDue = false
      this.#turn()
    })
  }

  #turn(): void {
    if (this.#state !== 'open') return
    const now = this.now()
    this.#applyInbox(now)
    for (const task of this.#duties.tasks(now)) this.#apply(task, now)
    this.#dispatch(now)
    this.#flush()
    // With no room left, the commit on its way brings the next turn; asking for one now would spin until then.
    const hasRoom = this.#flights.length < MOST_FLIGHTS && this.#weight < MOST_WEIGHT
    if (this.#inbox.length > 0 && hasRoom) this.#scheduleTurn()
    this.#duties.arm()
  }

  #applyInbox(now: number): void {
    const inbox = this.#inbox
    let at = 0
    while (at < inbox.length && this.#weight < MOST_WEIGHT && this.#state === 'open') {
      this.#apply(inbox[at++] as Task, now)
      this.#flushGroup()
    }
    this.#inbox = at === inbox.length ? [] : inbox.slice(at)
  }

  /** Hands a group that is large enough to an idle store at once, so that both sides work at the same time. */
  #flushGroup(): void {
    if (this.#weight >= GROUP_WEIGHT && this.#flights.length < MOST_FLIGHTS) this.#flush()
  }

  /** Leases to those who wait, in the same commit that made the work ready. */
  #dispatch(now: number): void {
    if (this.#state !== 'open') return
    for (const poll of this.#dispatcher.candidates(this.#workingSet)) {
      this.#apply(
        {
          command: this.#dispatcher.command(poll, this.#workingSet, this.surroundings.nonce),
          applied: (reply) => this.#granted(poll, reply as JobRow[]),
          restart: () => this.#park(poll),
          done: (reply) => {
            if (reply instanceof PerdureError) this.#park(poll)
            else if ((reply as JobRow[]).length > 0 || this.#dispatcher.isCalledOff(poll))
              poll.deliver(reply as JobRow[])
          },
        },
        now,
      )
      this.#flushGroup()
    }
  }

  #granted(poll: Poll, jobs: readonly JobRow[]): void {
    this.#dispatcher.settled(poll, jobs.length)
    if (jobs.length > 0) poll.granted(jobs)
  }

  #apply(task: Task, now: number): void {
    const workingSet = this.#workingSet
    let reply: Reply | PerdureError
    try {
      reply = apply(workingSet, task.command, now)
    } catch (thrown) {
      workingSet.discard()
      if (thrown instanceof Absent) {
        workingSet.want(thrown)
        this.#absent.push(task)
      } else {
        this.#answered.push({ task, reply: internalError(thrown) })
      }
      return
    }
    if (reply instanceof PerdureError) workingSet.discard()
    else if (!this.#settle(task, reply)) return
    this.#onApplied?.(task.command, reply, now)
    this.#weight += weightOf(task.command)
    this.#answered.push({ task, reply })
  }

  /** Makes a command take effect. What fails here has left memory half-changed, so the shard is opened anew. */
  #settle(task: Task, reply: Reply): boolean {
    try {
      this.#workingSet.settle()
      task.applied?.(reply)
      return true
    } catch (error) {
      task.done(internalError(error))
      void this.#crash(error)
      return false
    }
  }

  /**
   * Issues the next commit when none is on its way, or behind one when much has gathered: the store then goes
   * from one to the next without waiting for this thread. What needs no commit leaves at once.
   */
  #flush(): void {
    // What is in memory after a failure must never be written.
    if (this.#state !== 'open') return
    if (!this.#workingSet.isDirty) {
      this.#read()
      // A reply may tell of what a commit on its way carries, so it leaves no earlier.
      if (this.#flights.length > 0) return
      const answered = this.#answered
      this.#answered = []
      this.#weight = 0
      this.#answer(answered)
      this.#checkQuiet()
      return
    }
    const mayFly = this.#flights.length === 0 || this.#weight >= OVERLAP_WEIGHT
    if (mayFly && this.#flights.length < MOST_FLIGHTS) this.#commit()
  }

  #commit(): void {
    this.#sequence++
    const batch = this.#workingSet.take(this.#epoch, this.#sequence, this.#now)
    const departure: Departure = { answered: this.#answered, changes: this.announcer.take() }
    this.#answered = []
    this.#weight = 0
    const flight: Flight = { departure, batch, commit: this.#store.commit(batch) }
    this.#flights.push(flight)
    flight.commit.then(
      () => this.#flights[0] === flight && this.#committed(flight),
      (error: unknown) => this.#flights.includes(flight) && void this.#crash(error),
    )
    // Behind the commit: so that what is read includes all that was applied (see RangeTable, OrderedIndex).
    this.#read()
  }

  /** Reads what commands did not find, and the next windows of lines that run low. */
  #read(): void {
    if (this.#isLoading) return
    const workingSet = this.#workingSet
    const request = workingSet.beginLoads()
    if (request === undefined) return
    this.#isLoading = true
    this.#awaited = this.#absent
    this.#absent = []
    this.#store.load(request).then(
      (loaded) => {
        this.#isLoading = false
        // Nobody any more, where the shard was opened anew meanwhile.
        this.#inbox = this.#awaited.concat(this.#inbox)
        this.#awaited = []
        if (this.#workingSet !== workingSet) return
        workingSet.endLoads(request, loaded)
        this.#turn()
      },
      (error: unknown) => {
        this.#isLoading = false
        const waiting = this.#awaited
        this.#awaited = []
        for (const task of waiting) task.done(storeError(error))
        void this.#crash(error)
      },
    )
  }

  #committed(flight: Flight): void {
    this.#flights.shift()
    this.#workingSet.durable(flight.batch.sequence)
    if (this.#inbox.length > 0) this.#turn()
    else this.#flush()
    this.#depart(flight)
    this.#checkQuiet()
  }

  #depart({ departure, batch }: Flight): void {
    this.#answer(departure.answered)
    const { progress, logs, epoch, sequence } = batch
    this.announcer.publish({ changes: departure.changes, progress, logs, epoch, sequence })
  }

  #answer(answered: readonly Answered[]): void {
    for (const { task, reply } of answered) task.done(reply)
  }

  /**
   * A commit or a read failed. Memory is dropped and the shard opened anew, which fences off whatever may
   * still arrive and tells whether the commit had taken effect.
   */
  async #crash(error: unknown): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'reloading'
    const epoch = this.#epoch
    const flights = this.#flights
    this.#sequence = this.position.sequence
    this.#flights = []
    this.announcer.take()
    const applied = this.#answered.map(({ task }) => task)
    const tasks = [...applied, ...this.#awaited, ...this.#absent, ...this.#inbox]
    const carried = this.#carried
    this.#inbox = tasks.filter((task) => task.restart === undefined && !carried.has(task))
    this.#carried = new WeakSet(this.#inbox)
    this.#answered = []
    this.#absent = []
    this.#awaited = []
    this.#weight = 0
    for (const task of tasks) {
      if (task.restart !== undefined) task.restart()
      else if (carried.has(task)) task.done(storeError(error))
    }
    // A commit behind the one that failed finds a gap and fails too; one before something else may succeed.
    await Promise.allSettled(flights.map(({ commit }) => commit))
    try {
      if (error instanceof PerdureError && error.code === 'FENCED') throw error
      await this.#reloads.pause()
      await this.#load()
      this.#reloads.noteDone()
    } catch (reason) {
      this.#giveUp(flights, storeError(reason))
      return
    }
    // The write that grew the epoch has told where the shard stands: taken effect, or never to do so. Where another
    // owner came between, a number may be that of its commit.
    const isOurs = this.#epoch === epoch + 1
    for (const flight of flights) {
      if (this.#openedAt >= flight.batch.sequence && isOurs) this.#depart(flight)
      else
        this.#fail(flight, this.#openedAt < flight.batch.sequence ? storeError(error) : unknownError(error))
    }
  }

  /** The shard cannot be had back: what was on its way is unknown, the rest did not begin. */
  #giveUp(flights: readonly Flight[], reason: PerdureError): void {
    this.#state = 'closed'
    this.#duties.stop()
    for (const flight of flights) this.#fail(flight, unknownError(reason))
    this.#end(reason)
    this.#checkQuiet()
  }

  #fail({ departure }: Flight, error: PerdureError): void {
    for (const { task } of departure.answered) task.done(error)
  }

  #checkQuiet(): void {
    if (this.#onQuiet.length === 0 || !this.#isQuiet()) return
    const resolves = this.#onQuiet
    this.#onQuiet = []
    for (const resolve of resolves) resolve()
  }
}
