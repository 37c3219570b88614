/**
 * forget: keys that outlived their jobs go when their window is over.
 */
import { keyId } from '../model/rows.ts'
import type { View } from '../view.ts'

export interface ForgetCommand {
  readonly type: 'forget'
  readonly keys: readonly { readonly namespace: number; readonly key: string }[]
}

/** Takes out those that stand for nothing any more. Answers how many. */
export function forget(view: Pick<View, 'keys' | 'jobs'>, command: ForgetCommand, now: number): number {
  const ids = command.keys.map(({ namespace, key }) => keyId(namespace, key))
  view.keys.need(ids)
  view.jobs.need(ids.flatMap((id) => view.keys.get(id)?.job ?? []))
  let forgotten = 0
  for (const id of ids) {
    const row = view.keys.get(id)
    // It may have been given to another job since it was looked at.
    if (row === undefined || row.until > now || view.jobs.get(row.job) !== undefined) continue
    view.keys.remove(id)
    forgotten++
  }
  return forgotten
}
