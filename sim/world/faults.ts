/**
 * Faults that happen to machines, at the moments that the tape of a scenario says.
 */
import { Random } from '../random.ts'
import type { Happening } from '../scenario.ts'
import type { Fault } from '../swarm.ts'
import type { Network } from './network.ts'
import type { Node } from './node.ts'
import type { Scheduler } from './scheduler.ts'
import type { RemoteWorker } from './worker.ts'

export interface Machines {
  readonly scheduler: Scheduler
  readonly seed: number
  readonly network: Network
  readonly nodes: readonly Node[]
  readonly workers: readonly RemoteWorker[]
  readonly callers: readonly string[]
}

/** Lets faults happen. */
export function scheduleFaults(machines: Machines, happenings: readonly Happening[]): void {
  const { scheduler, seed } = machines
  for (const { fault, number, at } of happenings) {
    scheduler.after(at, () => {
      scheduler.trace(`fault: ${fault} ${number}`)
      HAPPENINGS[fault]?.(machines, new Random(`${seed}/${fault}/${number}`))
    })
  }
}

const HAPPENINGS: Partial<Record<Fault, (machines: Machines, random: Random) => void>> = {
  partitions: ({ network, scheduler, workers, callers }, random) => {
    const name = random.chance(0.6) ? random.pick(workers).actor?.name : random.pick(callers)
    if (name === undefined) return
    network.cutOff(name)
    scheduler.after(random.magnitude(100, 120_000), () => network.reconnect(name))
  },
  nodeCrashes: ({ network }, random) => network.serving.crash('as drawn', random.magnitude(1, 60_000)),
  nodeStops: ({ network }, random) => network.serving.stop(random.magnitude(1, 60_000)),
  nodePauses: ({ network }, random) => network.serving.pause(random.magnitude(10, 120_000)),
  workerCrashes: ({ workers }, random) => random.pick(workers).crash(random.magnitude(1, 60_000)),
  workerPauses: ({ workers }, random) => random.pick(workers).pause(random.magnitude(10, 120_000)),
  clockSteps: ({ nodes, workers }, random) => {
    random.pick([...nodes, ...workers]).clock.step(random.integer(-60_000, 60_000))
  },
  clockDrift: ({ nodes, workers }, random) => {
    random.pick([...nodes, ...workers]).clock.drift(random.pick([0.9, 0.99, 1, 1.01, 1.1]))
  },
  takeovers: ({ network, nodes }, random) => {
    const other = nodes.find((node) => node !== network.serving)
    if (other === undefined || other.life !== undefined) return
    if (random.chance(0.5)) network.serving.pause(random.magnitude(100, 120_000))
    other.start()
  },
}
