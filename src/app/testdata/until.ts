/** Waiting in tests for a state that nothing announces by itself. */
import type { App } from '../../index.ts'

/** Resolves once a job is in one of these states. */
export async function untilState(app: App, id: number, ...states: string[]): Promise<void> {
  while (!states.includes((await app.get(id)).state)) await new Promise((resolve) => setTimeout(resolve, 2))
}
