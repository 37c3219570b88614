/**
 * Slots: how many attempts may run at once, per group of queues and in all, and how many to ask for.
 *
 * Owns: the arithmetic. Invariant: what runs plus what is asked for never exceeds the limit of a group, nor
 * the total. When the total is smaller than the sum of the groups, a question that waits for work of one
 * group holds slots that another could use; such a question is called back, and the group is modest after.
 * Never does: polling (see poller.ts).
 */

/** Queues that share slots and are asked for together. */
export class SlotGroup {
  readonly queues: readonly string[]
  limit: number
  /** Slots of attempts in hand. */
  taken = 0
  /** Slots of the question that is out; 0 when none is. */
  asked = 0
  /** When that question went out, monotonic ms. */
  askedAt = 0
  /** Its last question was called back and brought nothing: it asks for one slot at a time. */
  modest = false
  /** No question before this moment, monotonic ms. */
  notBefore = 0

  constructor(queues: readonly string[], limit: number) {
    this.queues = queues
    this.limit = limit
  }
}

/** A question to ask now. */
export interface Ask {
  readonly group: SlotGroup
  readonly slots: number
}

/** What to do next: questions to ask, one to call back, and when to look again (monotonic ms). */
export interface Plan {
  readonly asks: readonly Ask[]
  readonly recall: SlotGroup | undefined
  readonly lookAgainAt: number
}

/** A question that has waited this long found nothing at once; before, it may still be about to. */
const SETTLED_MS = 5
/** When there are fewer slots than groups, they take turns of this length. */
const TURN_MS = 100

/** The slots of one worker. */
export class Slots {
  readonly groups: readonly SlotGroup[]
  total: number
  #first = 0

  constructor(groups: readonly SlotGroup[], total: number) {
    this.groups = groups
    this.total = total
  }

  /**
   * Changes how many attempts may run at once; those that run beyond it end as they would. Groups that share all slots
   * share the new ones; queues with slots of their own keep them.
   */
  resize(total: number): void {
    const sum = this.groups.reduce((all, { limit }) => all + limit, 0)
    const isShared =
      this.groups.length <= 2 && this.groups.every(({ queues }) => queues === this.groups[0]?.queues)
    this.total = isShared ? total : Math.min(total, sum)
    if (!isShared) return
    let left = total
    for (const [index, group] of this.groups.entries()) {
      group.limit = Math.floor(left / (this.groups.length - index))
      left -= group.limit
    }
  }

  /** Slots that neither run nor are asked for. */
  get free(): number {
    let used = 0
    for (const group of this.groups) used += group.taken + group.asked
    return Math.max(0, this.total - used)
  }

  /** Decides what to ask for. The caller asks exactly that, and sets `asked` and `askedAt`. */
  plan(now: number): Plan {
    let lookAgainAt = Number.POSITIVE_INFINITY
    const hungry: SlotGroup[] = []
    for (let i = 0; i < this.groups.length; i++) {
      const group = this.groups[(this.#first + i) % this.groups.length] as SlotGroup
      if (group.asked > 0 || group.taken >= group.limit) continue
      if (group.notBefore > now) lookAgainAt = Math.min(lookAgainAt, group.notBefore)
      else hungry.push(group)
    }
    if (hungry.length === 0) return { asks: [], recall: undefined, lookAgainAt }
    const { asks, missed } = this.#share(hungry)
    if (missed === 0) return { asks, recall: undefined, lookAgainAt }
    const starving = asks.length < hungry.length
    const [recall, settlesAt] = this.#recall(now, starving)
    return { asks, recall, lookAgainAt: Math.min(lookAgainAt, settlesAt) }
  }

  /** Splits what is free: one for each first, then evenly. `missed` counts slots that were wanted in vain. */
  #share(hungry: SlotGroup[]): { asks: Ask[]; missed: number } {
    let left = this.free
    let missed = 0
    const served = hungry.slice(0, left)
    // the next time those after the last one come first, so that nobody is last for ever
    const last = served.at(-1)
    if (last !== undefined) this.#first = (this.groups.indexOf(last) + 1) % this.groups.length
    for (const group of hungry.slice(left)) missed += wanted(group)
    // the smallest first: what it leaves is for the larger ones
    served.sort((a, b) => wanted(a) - wanted(b))
    const asks: Ask[] = []
    for (let i = 0; i < served.length; i++) {
      const group = served[i] as SlotGroup
      const slots = Math.min(wanted(group), Math.floor(left / (served.length - i)))
      asks.push({ group, slots })
      left -= slots
      missed += wanted(group) - slots
    }
    return { asks, missed }
  }

  /** The waiting question that holds most slots, or, if all hold one and somebody starves, the longest one. */
  #recall(now: number, starving: boolean): [SlotGroup | undefined, number] {
    let best: SlotGroup | undefined
    let lookAgainAt = Number.POSITIVE_INFINITY
    for (const group of this.groups) {
      if (group.asked === 0 || (group.asked === 1 && !starving)) continue
      const ripeAt = group.askedAt + (group.asked > 1 ? SETTLED_MS : TURN_MS)
      if (ripeAt > now) lookAgainAt = Math.min(lookAgainAt, ripeAt)
      else if (best === undefined || isBetter(group, best)) best = group
    }
    return [best, lookAgainAt]
  }
}

function wanted(group: SlotGroup): number {
  const room = group.limit - group.taken
  return group.modest ? Math.min(1, room) : room
}

function isBetter(group: SlotGroup, best: SlotGroup): boolean {
  return group.asked > best.asked || (group.asked === best.asked && group.askedAt < best.askedAt)
}
