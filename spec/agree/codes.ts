/**
 * Codes: commands and states of models/jobs.qnt as whole numbers, as models/recorded.qnt reads them.
 */
import { JOBS, type ModelCommand, type ModelOutcome, type ModelToken, type shardOf } from './jobs.ts'

const BASE = 1_000n
const KINDS = [
  ...['Due', 'Tick', 'Reopen', 'Enqueue', 'Lease', 'Heartbeat', 'Expire', 'Report'],
  ...['Cancel', 'Restart', 'Expedite', 'Hold', 'Release'],
]
const STATES = [
  ...['Absent', 'Scheduled', 'Waiting', 'Ready', 'Running', 'Held'],
  ...['Succeeded', 'Failed', 'Cancelled'],
]
const WANTS = ['', '1', '2', '1,2']
const OUTCOMES = ['Succeed', 'Stop', 'GiveBack', 'Fail0', 'Fail1', 'Snooze1']

/** The code of a command. */
export function codeOfCommand(command: ModelCommand): bigint {
  return pack([positionIn(KINDS, command.tag), ...argumentsOf(command)])
}

/** The code of a state. */
export function codeOfShard(shard: ReturnType<typeof shardOf>): bigint {
  const { jobs, holders, max, now, epoch, turn, lastTurn, nonces } = shard
  const digits = [now, epoch, turn, lastTurn, nonces, max.get(1) ?? 0, max.get(2) ?? 0]
  for (const id of JOBS) {
    const job = jobs.get(id)
    if (job === undefined) throw new Error(`a state without job ${id}`)
    digits.push(
      ...[positionIn(STATES, job.state.tag), job.attempt, job.tries, job.restarts],
      ...[positionIn(WANTS, job.wants.join()), job.taken, job.turn, job.dueAt, Number(job.isCancelled)],
      ...[job.nonce, Number(job.isLocal), job.renewedAt, job.epoch],
      ...[Number(holders.get(1)?.has(id)), Number(holders.get(2)?.has(id))],
    )
  }
  return pack(digits)
}

function argumentsOf(command: ModelCommand): number[] {
  switch (command.tag) {
    case 'Start':
    case 'Due':
    case 'Tick':
    case 'Reopen':
      return []
    case 'Enqueue':
      return [positionIn(WANTS, command.value.wants.join()), command.value.max, command.value.delay]
    case 'Lease':
      return [Number(command.value.isLocal)]
    case 'Heartbeat':
    case 'Expire':
      return digitsOfToken(command.value)
    case 'Report':
      return [...digitsOfToken(command.value.token), positionIn(OUTCOMES, nameOf(command.value.outcome))]
    default:
      return [command.value]
  }
}

const digitsOfToken = ({ job, attempt, nonce }: ModelToken): number[] => [job, attempt, nonce]

function nameOf({ tag, value }: ModelOutcome): string {
  return `${tag}${typeof value === 'number' ? value : ''}`
}

/** Digits, the last one first, as one number. */
function pack(digits: readonly number[]): bigint {
  return digits.reduceRight((code, digit) => {
    if (!Number.isInteger(digit) || digit < 0 || digit >= BASE)
      throw new Error(`${digit} is no digit of a code`)
    return code * BASE + BigInt(digit)
  }, 0n)
}

function positionIn(names: readonly string[], name: string): number {
  const position = names.indexOf(name)
  if (position < 0) throw new Error(`'${name}' has no code`)
  return position
}
