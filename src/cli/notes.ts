/**
 * What a person should know beyond what was asked for.
 */
import type { Context } from './context.ts'
import type { OpenStore } from './store.ts'

/** Says so when nobody works on the store. */
export async function noteIdle(context: Context, store: OpenStore, queue?: string): Promise<void> {
  if (context.out.quiet || !(await isIdle(store))) return
  context.out.note(
    `No worker is running. Start one with \`perdure worker${queue === undefined || queue === 'default' ? '' : ` ${queue}`}\`.`,
  )
}

/** Says so when a job with requirements finds no worker that is here now. */
export async function noteUnplaced(context: Context, store: OpenStore, job: number): Promise<void> {
  if (context.out.quiet || (await isIdle(store))) return
  const { unplaced } = await store.client.get(job)
  if (unplaced !== null) context.out.note(`Job ${job} has to wait: ${unplaced}.`)
}

async function isIdle({ client, isOwner }: OpenStore): Promise<boolean> {
  // Whoever works has the store open, so nobody does when this process could open it.
  if (isOwner) return true
  const { workers } = await client.info()
  return workers === 0
}
