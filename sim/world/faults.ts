/**
 * Faults that happen to machines, as often as a seed says.
 */
import type { Random } from '../random.ts'
import type { Fault, Swarm } from '../swarm.ts'
import type { Network } from './network.ts'
import type { Node } from './node.ts'
import type { Scheduler } from './scheduler.ts'
import type { RemoteWorker } from './worker.ts'

export interface Machines {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly swarm: Swarm
  readonly network: Network
  readonly nodes: readonly Node[]
  readonly workers: readonly RemoteWorker[]
  readonly callers: readonly string[]
}

/** Lets faults happen until `isOver`. */
export function scheduleFaults(machines: Machines, isOver: () => boolean): void {
  const { scheduler, random, swarm } = machines
  for (const fault of swarm.faults) {
    const happen = HAPPENINGS[fault]
    if (happen === undefined) continue
    const next = (): void => {
      scheduler.after(random.about(swarm.faultEveryMs), () => {
        if (isOver()) return
        scheduler.trace(`fault: ${fault}`)
        happen(machines)
        next()
      })
    }
    next()
  }
}

const HAPPENINGS: Partial<Record<Fault, (machines: Machines) => void>> = {
  partitions: ({ network, random, scheduler, workers, callers }) => {
    const name = random.chance(0.6) ? random.pick(workers).actor?.name : random.pick(callers)
    if (name === undefined) return
    network.cut.add(name)
    scheduler.after(random.magnitude(100, 120_000), () => network.cut.delete(name))
  },
  nodeCrashes: ({ network, random }) => network.serving.crash('as drawn', random.magnitude(1, 60_000)),
  nodePauses: ({ network, random }) => network.serving.pause(random.magnitude(10, 120_000)),
  workerCrashes: ({ workers, random }) => random.pick(workers).crash(random.magnitude(1, 60_000)),
  workerPauses: ({ workers, random }) => random.pick(workers).pause(random.magnitude(10, 120_000)),
  clockSteps: ({ nodes, workers, random }) => {
    random.pick([...nodes, ...workers]).clock.step(random.integer(-60_000, 60_000))
  },
  clockDrift: ({ nodes, workers, random }) => {
    random.pick([...nodes, ...workers]).clock.drift(random.pick([0.9, 0.99, 1, 1.01, 1.1]))
  },
  takeovers: ({ network, nodes, random }) => {
    const other = nodes.find((node) => node !== network.serving)
    if (other === undefined || other.life !== undefined) return
    if (random.chance(0.5)) network.serving.pause(random.magnitude(100, 120_000))
    other.start()
  },
}
