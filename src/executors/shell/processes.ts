/**
 * The processes of this machine, as Linux shows them in /proc: who lives, who carries which mark, and their end.
 *
 * Owns: reading /proc. Never decides whose processes are to end. Elsewhere than on Linux everything here finds nothing.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'

/** Whether processes can be found by their environment here. */
export const hasProcessTable = process.platform === 'linux'

/** So many processes are looked at before the event loop gets its turn again: about half a ms of work. */
const SLICE = 32
/** Rounds of search and kill. Two do, unless processes fork as fast as they are killed. */
const MOST_ROUNDS = 40
/** Between rounds, so that what was killed has time to end. */
const ROUND_MS = 5

/** The fields of a process from its state on, as proc_pid_stat(5) has them; undefined when it does not live. */
function statOf(pid: number): string[] | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // the name stands in brackets and may hold anything, brackets included: count from the last one
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // a zombie has ended; only its parent has not noticed
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields
}

/** When a process was started, in clock ticks since boot; undefined when it does not live. */
function startTicks(pid: number): string | undefined {
  return statOf(pid)?.[19]
}

/** Whether a process group has a member that lives. */
export async function isGroupAlive(group: number): Promise<boolean> {
  if (!signal(-group, 0)) return false
  if (!hasProcessTable) return true
  // what answered the signal may be zombies, which some init processes leave for seconds
  const members = await filterProcesses((pid) => statOf(pid)?.[2] === String(group))
  return members.length > 0
}

/** What names a process for ever: `<pid>.<start ticks>`, for pids are used again. Ticks are 0 where unknown. */
export function cookieOf(pid: number): string {
  return `${pid}.${startTicks(pid) ?? 0}`
}

/** Whether the process that a cookie names still lives. */
export function isAlive(cookie: string): boolean {
  const [pid = '', ticks] = cookie.split('.')
  return ticks !== undefined && startTicks(Number(pid)) === ticks
}

/** One variable of an environment as /proc shows it. */
export function variableOf(environ: Buffer, name: string): string | undefined {
  const key = `${name}=`
  let at = environ.indexOf(key)
  // only at the beginning of an entry: values may hold anything
  while (at > 0 && environ[at - 1] !== 0) at = environ.indexOf(key, at + 1)
  if (at < 0) return undefined
  const end = environ.indexOf(0, at)
  return environ.toString('utf8', at + key.length, end < 0 ? environ.length : end)
}

/** Whether a process of the table is meant. */
export type Match = (environ: Buffer, pid: number) => boolean

/** Finds processes by their environment. Those whose environment may not be read are not found. */
export function findProcesses(match: Match): Promise<number[]> {
  // of a zombie it is empty, so a zombie is never found
  return filterProcesses((pid) => match(readFileSync(`/proc/${pid}/environ`), pid))
}

async function filterProcesses(test: (pid: number) => boolean): Promise<number[]> {
  const found: number[] = []
  if (!hasProcessTable) return found
  let looked = 0
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      if (test(pid)) found.push(pid)
    } catch {
      // ended meanwhile, or another user's
    }
    if (++looked % SLICE === 0) await setImmediate()
  }
  return found
}

/** What became of the processes that were meant. */
export interface Killed {
  readonly killed: readonly number[]
  /** Still there after many rounds: in a system call that does not end, or another user's. */
  readonly survivors: readonly number[]
}

/** Ends all processes that match with SIGKILL, and waits until none is found any more. */
export async function killProcesses(match: Match): Promise<Killed> {
  const killed = new Set<number>()
  let found: number[] = []
  for (let round = 0; round < MOST_ROUNDS; round++) {
    found = await findProcesses(match)
    if (found.length === 0) break
    for (const pid of found) {
      signal(pid, 'SIGKILL')
      killed.add(pid)
    }
    await setTimeout(ROUND_MS)
  }
  const survivors = new Set(found)
  return { killed: [...killed].filter((pid) => !survivors.has(pid)), survivors: found }
}

/** Sends a signal to a process, or with a negative pid to a group. False: there is none, or it may not be signalled. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** The pids of this process and of those that it descends from. */
export function ownLine(): Set<number> {
  const line = new Set<number>()
  for (let pid = process.pid; pid > 0 && !line.has(pid); pid = parentOf(pid)) line.add(pid)
  return line
}

function parentOf(pid: number): number {
  return Number(statOf(pid)?.[1] ?? 0)
}

/** The name space that a pid counts in; equal for processes that mean the same by a number. */
export function pidNamespace(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}
