/**
 * Core against model: random commands to the real core, each run written down as a test of the model, which has to
 * allow every command and to arrive at every state.
 */
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../../sim/random.ts'
import { RUNNING } from '../../src/core/model/states.ts'
import { MODELS, simulate, withScratch } from '../quint/quint.ts'
import { toQuint, UNIT } from '../quint/values.ts'
import { overdueIn, type World } from '../world/world.ts'
import { codeOfCommand, codeOfShard } from './codes.ts'
import {
  execute,
  firstWorld,
  JOBS,
  type ModelCommand,
  type ModelOutcome,
  type ModelToken,
  shardOf,
} from './jobs.ts'

type Shard = ReturnType<typeof shardOf>

/** A run of the real core: what was given, and the state after it. */
export type Recording = readonly { readonly command: ModelCommand; readonly shard: Shard }[]

/** Gives random commands to the real core. */
export function record(seed: number, steps: number): Recording {
  const random = new Random(`${seed}/record`)
  const recording: { command: ModelCommand; shard: Shard }[] = []
  let world = firstWorld()
  for (let i = 0; i < steps; i++) {
    const command = draw(world, random)
    world = execute(world, command)
    recording.push({ command, shard: shardOf(world) })
  }
  return recording
}

/** Where the model does not follow a recording. */
export interface Refusal {
  readonly recording: number
  /** How many commands it followed. */
  readonly followed: number
  /** The commands up to the one that it does not allow, or after which it is elsewhere than the core. */
  readonly text: string
}

/** Asks the model whether it allows recordings: each command, and the state that the core came to. */
export function judge(recordings: readonly Recording[]): Promise<Refusal | undefined> {
  return withScratch(async (folder) => {
    // Quint imports from beside a file only
    cpSync(MODELS, folder, { recursive: true })
    writeFileSync(join(folder, 'followed.qnt'), moduleOf(recordings))
    // one step for each command, and one from each recording to the next
    const steps = recordings.reduce((sum, recording) => sum + recording.length + 1, -1)
    const model = join(folder, 'followed')
    const params = { model, module: 'followed', runs: 1, steps, seed: 1, invariants: ['agrees'] }
    const actions = ['begin', 'follow'] as const
    const { violated, trace } = await simulate({ ...params, actions })
    const end = trace.at(-1)
    const at = { recording: Number(end?.which), followed: Number(end?.followed) }
    const isComplete = at.recording === recordings.length - 1 && at.followed === recordings.at(-1)?.length
    if (violated.length === 0 && isComplete) return undefined
    const followed = violated.length > 0 ? at.followed - 1 : at.followed
    return { recording: at.recording, followed, text: tell(recordings[at.recording] ?? [], followed) }
  })
}

function tell(recording: Recording, followed: number): string {
  const way = recording.slice(0, followed + 1).map(({ command }) => toQuint(command))
  const found = toQuint(recording[followed]?.shard)
  return `${way.join('\n')}\nthe model does not allow the last command, or comes elsewhere than the core:\n${found}`
}

/** A module in which models/recorded.qnt has recordings to follow. */
function moduleOf(recordings: readonly Recording[]): string {
  const codes = recordings.map((recording) => {
    const steps = recording.map(({ command, shard }) => `${codeOfCommand(command)}, ${codeOfShard(shard)}`)
    return `[${steps.join(',\n')}]`
  })
  return `module followed {\nimport recorded(RECORDINGS = [${codes.join(',\n')}]).* from "./recorded"\n}\n`
}

/** A command that can be given now. */
function draw(world: World, random: Random): ModelCommand {
  for (;;) {
    const command = DRAWS[random.weighted(WEIGHTS)](world, random)
    if (command !== undefined) return command
  }
}

const WEIGHTS = {
  enqueue: 3,
  lease: 5,
  report: 5,
  heartbeat: 1,
  expire: 3,
  due: 3,
  control: 3,
  tick: 3,
  reopen: 1,
}
const OUTCOMES: readonly ModelOutcome[] = [
  { tag: 'Succeed', value: UNIT },
  { tag: 'Stop', value: UNIT },
  { tag: 'GiveBack', value: UNIT },
  { tag: 'Fail', value: 0 },
  { tag: 'Fail', value: 1 },
  { tag: 'Snooze', value: 1 },
]
const CONTROLS = ['Cancel', 'Restart', 'Expedite', 'Hold', 'Release'] as const

const DRAWS: Readonly<
  Record<keyof typeof WEIGHTS, (world: World, random: Random) => ModelCommand | undefined>
> = {
  enqueue: (world, random) => {
    if (world.tables.nextJobId > JOBS.length) return undefined
    const wants = random.pick([[], [1], [2], [1, 2], [1, 2]])
    const value = { wants, max: random.pick([0, 1, 1, 1, 2]), delay: random.pick([0, 0, 1]) }
    return { tag: 'Enqueue', value }
  },
  lease: (world, random) => {
    const command: ModelCommand = { tag: 'Lease', value: { isLocal: random.chance(0.3) } }
    return execute(world, command).granted > world.granted ? command : undefined
  },
  report: (world, random) => {
    const token = drawToken(world, random)
    return token && { tag: 'Report', value: { token, outcome: random.pick(OUTCOMES) } }
  },
  heartbeat: (world, random) => {
    const token = drawToken(world, random)
    return token && { tag: 'Heartbeat', value: token }
  },
  expire: (world, random) => {
    const overdue = overdueIn(world)
    if (overdue.length === 0) return undefined
    const { job, attempt, nonce } = random.pick(overdue)
    return { tag: 'Expire', value: { job, attempt, nonce: Number(nonce.slice(1)) } }
  },
  due: (world) => {
    const command: ModelCommand = { tag: 'Due', value: UNIT }
    return execute(world, command) === world ? undefined : command
  },
  control: (world, random) => {
    const id = random.pick(JOBS)
    return world.tables.jobs.has(id) ? { tag: random.pick(CONTROLS), value: id } : undefined
  },
  tick: () => ({ tag: 'Tick', value: UNIT }),
  reopen: () => ({ tag: 'Reopen', value: UNIT }),
}

/** Mostly the token of a running attempt; else one of the past. */
function drawToken(world: World, random: Random): ModelToken | undefined {
  const running = [...world.tables.jobs.values()].filter(({ state }) => state === RUNNING)
  if (running.length > 0 && random.chance(0.8)) {
    const { id, attempt, nonce } = random.pick(running)
    return { job: id, attempt, nonce: Number((nonce as string).slice(1)) }
  }
  if (world.granted === 0) return undefined
  return { job: random.pick(JOBS), attempt: random.integer(0, 3), nonce: random.integer(1, world.granted) }
}
