/**
 * damage: bytes of the database or of its log are flipped, overwritten or cut off while nobody owns the store. It is
 * refused by name, or its check finds the damage, or nothing that was acknowledged is touched by it.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../sim/random.ts'
import type { Client } from '../../src/client/client.ts'
import { PerdureError } from '../../src/errors.ts'
import { openEmbedded } from '../../src/server/embedded.ts'
import type { Subject } from '../checks.ts'
import { must, within } from '../findings.ts'
import type { Scenario } from '../scenario.ts'
import { mustBeKilled, mustHear, newSubject, startOwner } from './subject.ts'

const PAGE = 4_096
const LOG_HEADER = 32
const FRAME = 24 + PAGE
const LIMIT_MS = 30_000

/** How a file is damaged. Answers its new bytes. */
interface Damage {
  readonly name: string
  readonly target: 'database' | 'log'
  /** Whether what it destroys can be told from what a crash leaves, or from other content of a row. */
  readonly isVisible: boolean
  readonly apply: (bytes: Buffer, random: Random) => Buffer
}

const DAMAGES: readonly Damage[] = [
  { name: 'flipped bit', target: 'database', isVisible: false, apply: flip },
  { name: 'garbage page', target: 'database', isVisible: true, apply: garbage },
  { name: 'zeroed page', target: 'database', isVisible: true, apply: zeroes },
  { name: 'cut', target: 'database', isVisible: true, apply: cut },
  { name: 'flipped bit in the first half', target: 'log', isVisible: true, apply: flipEarly },
  { name: 'garbage frame in the first half', target: 'log', isVisible: true, apply: garbageFrame },
  { name: 'cut', target: 'log', isVisible: false, apply: cut },
  { name: 'torn end', target: 'log', isVisible: false, apply: torn },
]

export const damage: Scenario = {
  name: 'damage',
  title: 'flipped, overwritten and cut bytes in the database and in its log',
  needs: [],
  run: async (round) => {
    const subject = newSubject(round, 'origin')
    const owner = startOwner(subject, round)
    await mustHear(owner, round.random.integer(300, 900), 'before its end')
    owner.kill('SIGKILL')
    mustBeKilled(await owner.ended)
    round.count('acknowledged', subject.history.acknowledged)
    for (const target of ['log', 'database'] as const) {
      // a healthy close moves the log into the database
      if (target === 'database') await (await openEmbedded({ store: 'sqlite', path: subject.store })).close()
      for (const [index, kind] of DAMAGES.entries()) {
        if (kind.target !== target) continue
        const copy = copyOf(subject, join(round.folder, `damaged-${index}.db`))
        const file = target === 'log' ? `${copy.store}-wal` : copy.store
        writeFileSync(file, kind.apply(readFileSync(file), round.random))
        const verdict = await within(LIMIT_MS, 'a damaged store to be opened or refused', judge(copy))
        round.count(verdict)
        must(verdict !== 'lost' || !kind.isVisible, () => `a ${kind.name} in the ${target} went unnoticed`)
      }
    }
  },
}

/** `unharmed`: everything that was acknowledged is there. `lost`: it is not, and nobody said so. */
type Verdict = 'refused' | 'found' | 'unharmed' | 'lost'

async function judge({ store, history }: Subject): Promise<Verdict> {
  let client: Client
  try {
    client = await openEmbedded({ store: 'sqlite', path: store })
  } catch (error) {
    mustBeTyped(error)
    return 'refused'
  }
  try {
    if ((await client.check()).length > 0) return 'found'
    return (await history.missingFrom(client)).length === 0 ? 'unharmed' : 'lost'
  } catch (error) {
    mustBeTyped(error)
    return 'found'
  } finally {
    await client.close()
  }
}

function mustBeTyped(error: unknown): void {
  const isTyped = error instanceof PerdureError && error.code.startsWith('STORE_')
  must(isTyped, () => `a damaged store was answered with ${error instanceof Error ? error.stack : error}`)
}

function copyOf(subject: Subject, store: string): Subject {
  const folder = join(subject.store, '..')
  for (const name of readdirSync(folder)) {
    const [, ending] = /^origin\.db(-wal|)$/.exec(name) ?? []
    if (ending !== undefined) cpSync(join(folder, name), `${store}${ending}`)
  }
  return { ...subject, store }
}

function flip(bytes: Buffer, random: Random): Buffer {
  return flipAt(bytes, random, random.integer(0, bytes.length - 1))
}

/** Far from the last transaction, of which a crash may have left anything. */
function flipEarly(log: Buffer, random: Random): Buffer {
  return flipAt(log, random, random.integer(LOG_HEADER, log.length >> 1))
}

function flipAt(bytes: Buffer, random: Random, at: number): Buffer {
  bytes[at] = (bytes[at] as number) ^ (1 << random.integer(0, 7))
  return bytes
}

function garbage(bytes: Buffer, random: Random): Buffer {
  const at = PAGE * random.integer(0, Math.floor(bytes.length / PAGE) - 1)
  for (let i = at; i < at + PAGE; i++) bytes[i] = random.integer(0, 255)
  return bytes
}

function zeroes(bytes: Buffer, random: Random): Buffer {
  const at = PAGE * random.integer(0, Math.floor(bytes.length / PAGE) - 1)
  return bytes.fill(0, at, at + PAGE)
}

function garbageFrame(bytes: Buffer, random: Random): Buffer {
  const at = frameAt(random.integer(0, framesOf(bytes) >> 1))
  for (let i = at; i < at + FRAME; i++) bytes[i] = random.integer(0, 255)
  return bytes
}

function cut(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, random.integer(0, bytes.length - 1))
}

/** As a crash in the middle of a write leaves it. */
function torn(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, frameAt(framesOf(bytes) - 1) + random.integer(1, FRAME - 1))
}

const framesOf = (log: Buffer): number => Math.floor((log.length - LOG_HEADER) / FRAME)
const frameAt = (index: number): number => LOG_HEADER + index * FRAME
