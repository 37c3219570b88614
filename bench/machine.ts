/** Describes the machine of a run, the time its disk takes to sync included: most figures are made of that. */
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { median, now } from './measure.ts'
import { makeDirectory, removeDirectory } from './servers/cleanup.ts'

export interface Machine {
  date: string
  cores: number
  cpu: string
  memoryGigabytes: number
  node: string
  kernel: string
  system: string
  /** Median of 200 writes of 4 kB, each followed by fdatasync, in ms. */
  syncMs: number
}

function measureSync(): number {
  const directory = makeDirectory()
  const file = openSync(join(directory, 'sync'), 'w')
  const block = Buffer.alloc(4096, 1)
  const samples: number[] = []
  for (let round = 0; round < 200; round++) {
    writeSync(file, block)
    const begin = now()
    fdatasyncSync(file)
    samples.push(now() - begin)
  }
  closeSync(file)
  removeDirectory(directory)
  return median(samples)
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? type()
  } catch {
    return type()
  }
}

/** Takes about as long as 200 syncs of the disk. */
export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() || process.arch,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kernel: release(),
    system: systemName(),
    syncMs: measureSync(),
  }
}

/** One line, such as stands under the chart. */
export function machineLine(machine: Machine): string {
  const { cores, cpu, memoryGigabytes, node, system, kernel, syncMs, date } = machine
  return `${cores} cores (${cpu}), ${memoryGigabytes} GB, ${system}, Linux ${kernel}, Node ${node}, fdatasync ${syncMs.toFixed(2)} ms; ${date}`
}
