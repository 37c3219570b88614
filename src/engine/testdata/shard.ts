/** The smallest owner of a shard: a working set over a memory store, command by command, commit by commit. */
import { apply, type Command, type Reply } from '../../core/apply.ts'
import { Absent, type View } from '../../core/view.ts'
import { createMemoryStore } from '../../store/memory/memory-store.ts'
import type { Batch, Store } from '../../store/store.ts'
import { WorkingSet } from '../workingset.ts'

/** Methods of a view by which a handler reads. */
const READS = new Set([
  'get',
  'need',
  'size',
  'has',
  'members',
  'routeById',
  'profileById',
  'lineAt',
  'headSize',
  'needLines',
])

export class Shard {
  readonly store: Store = createMemoryStore()
  readonly batches: Batch[] = []
  /** How often something had to be read before a command could be applied. */
  loads = 0
  #set!: WorkingSet
  #epoch = 0
  #sequence = 0

  static async open(): Promise<Shard> {
    const shard = new Shard()
    await shard.reopen()
    return shard
  }

  /** Forgets everything in memory. */
  async reopen(): Promise<void> {
    await this.store.close()
    const opening = await this.store.open()
    this.#epoch = opening.epoch
    this.#sequence = opening.sequence
    this.#set = new WorkingSet(opening, () => {})
  }

  /** Applies a command and commits it. */
  async apply(command: Command, now: number): Promise<Reply> {
    const reply = await this.#applied(command, now)
    if (this.#set.isDirty) {
      const batch = this.#set.take(this.#epoch, ++this.#sequence, now)
      this.batches.push(batch)
      await this.store.commit(batch)
      this.#set.durable(batch.sequence)
    }
    return reply
  }

  /** Lets a command stop at each of its reads in turn; answers how many there were. Nothing may be left of it. */
  async stopAtEveryRead(command: Command, now: number): Promise<number> {
    for (let stopAt = 0; ; stopAt++) {
      let reads = 0
      const view = counting(this.#set, () => {
        if (reads++ === stopAt) throw new Absent('jobs', [])
      })
      let hasStopped = false
      try {
        apply(view, command, now)
      } catch (thrown) {
        if (!(thrown instanceof Absent)) throw thrown
        hasStopped = reads === stopAt + 1
        if (!hasStopped) await this.#load(thrown)
      }
      this.#set.discard()
      if (this.#set.isDirty) throw new Error(`read ${stopAt} of '${command.type}' left something behind`)
      if (!hasStopped && reads <= stopAt) return stopAt
    }
  }

  async #applied(command: Command, now: number): Promise<Reply> {
    for (let rounds = 0; rounds < 10_000; rounds++) {
      try {
        const reply = apply(this.#set, command, now)
        if (reply instanceof Error) this.#set.discard()
        else this.#set.settle()
        return reply
      } catch (thrown) {
        this.#set.discard()
        if (!(thrown instanceof Absent)) throw thrown
        this.loads++
        await this.#load(thrown)
      }
    }
    throw new Error(`'${command.type}' never finds what it needs`)
  }

  async #load(absent: Absent): Promise<void> {
    this.#set.want(absent)
    const request = this.#set.beginLoads()
    if (request !== undefined) this.#set.endLoads(request, await this.store.load(request))
  }
}

/** A view that tells of each read before it happens. */
function counting(target: object, onRead: () => void): View {
  return new Proxy(target, {
    get(object, name) {
      const value = Reflect.get(object, name, object) as unknown
      if (typeof value === 'function') {
        return (...args: unknown[]) => {
          if (READS.has(String(name))) onRead()
          return Reflect.apply(value, object, args) as unknown
        }
      }
      return typeof value === 'object' && value !== null ? counting(value, onRead) : value
    },
  }) as View
}
