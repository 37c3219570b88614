/**
 * Edges: members by owner with a small number each, found from both ends.
 */
import type { MemberChange } from '../store.ts'
import { bucket } from './bucket.ts'

const NOBODY: ReadonlyMap<number, number> = new Map()
const NOTHING: ReadonlySet<number> = new Set()

export class Edges {
  readonly #byOwner = new Map<number, Map<number, number>>()
  readonly #byMember = new Map<number, Set<number>>()

  /** Members of an owner with their values, in order of arrival. */
  membersOf(owner: number): ReadonlyMap<number, number> {
    return this.#byOwner.get(owner) ?? NOBODY
  }

  ownersOf(member: number): ReadonlySet<number> {
    return this.#byMember.get(member) ?? NOTHING
  }

  change({ owner, member, value }: MemberChange): void {
    if (value < 0) {
      this.#remove(owner, member)
      return
    }
    bucket(this.#byOwner, owner, () => new Map<number, number>()).set(member, value)
    bucket(this.#byMember, member, () => new Set<number>()).add(owner)
  }

  removeOwner(owner: number): void {
    for (const member of [...this.membersOf(owner).keys()]) this.#remove(owner, member)
  }

  removeMember(member: number): void {
    for (const owner of [...this.ownersOf(member)]) this.#remove(owner, member)
  }

  *all(): Generator<readonly [owner: number, member: number, value: number]> {
    for (const [owner, members] of this.#byOwner) {
      for (const [member, value] of members) yield [owner, member, value]
    }
  }

  #remove(owner: number, member: number): void {
    const members = this.#byOwner.get(owner)
    members?.delete(member)
    if (members?.size === 0) this.#byOwner.delete(owner)
    const owners = this.#byMember.get(member)
    owners?.delete(owner)
    if (owners?.size === 0) this.#byMember.delete(member)
  }
}
