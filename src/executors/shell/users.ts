/**
 * Users and groups by name or number.
 *
 * Owns: what the system knows of them (`getent`, so that directories such as LDAP are asked too), remembered for a
 * minute. Never switches to them: see launch.ts.
 */
import { execFile } from 'node:child_process'
import { perdureError } from '../../errors.ts'

/** Whom a command runs as, when that is not whom the worker runs as. */
export interface Identity {
  readonly uid: number
  readonly gid: number
  /** Undefined for a number that has no name: then there are no supplementary groups. */
  readonly name: string | undefined
  readonly home: string
  readonly shell: string
}

const REMEMBER_MS = 60_000
/** What names may look like; keeps options and patterns out of argv. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,255}\$?$/

/** Looks users and groups up. */
export class Users {
  readonly #known = new Map<string, { at: number; entry: Promise<string[] | undefined> }>()

  /**
   * Whom a command is to run as; undefined when that is the worker's own user and group.
   *
   * @throws SPAWN_FAILED for a user or group that there is not; DENIED when this process may not switch.
   */
  async resolve(user: string | undefined, group: string | undefined): Promise<Identity | undefined> {
    const [uid, gid] = [process.getuid?.(), process.getgid?.()]
    if (uid === undefined || gid === undefined) throw denied('a platform without users', user ?? group)
    const identity = user === undefined ? { ...NOBODY_NAMED, uid, gid } : await this.#user(user, group)
    const wanted = { ...identity, gid: group === undefined ? identity.gid : await this.#group(group) }
    if (wanted.uid === uid && wanted.gid === gid) return undefined
    if (uid !== 0) throw denied(`a worker that runs as user ${uid}`, user ?? group)
    return wanted
  }

  async #user(user: string, group: string | undefined): Promise<Identity> {
    const entry = await this.#find('passwd', user)
    if (entry !== undefined) {
      const [name, , uid, gid, , home, shell] = entry
      return { uid: Number(uid), gid: Number(gid), name, home: home || '/', shell: shell || '/bin/sh' }
    }
    // a number needs no name, but then nothing says which group it has
    if (/^\d{1,10}$/.test(user) && group !== undefined) return { ...NOBODY_NAMED, uid: Number(user), gid: 0 }
    throw unknown(
      'user',
      user,
      'Create the user, or submit with one that exists; a bare number needs a group too',
    )
  }

  async #group(group: string): Promise<number> {
    const entry = await this.#find('group', group)
    if (entry !== undefined) return Number(entry[2])
    if (/^\d{1,10}$/.test(group)) return Number(group)
    throw unknown('group', group, 'Create the group, or submit with one that exists')
  }

  #find(database: 'passwd' | 'group', key: string): Promise<string[] | undefined> {
    if (!NAME.test(key)) return Promise.resolve(undefined)
    const id = `${database}:${key}`
    const known = this.#known.get(id)
    if (known !== undefined && performance.now() - known.at < REMEMBER_MS) return known.entry
    // names come from submissions: whoever invents many must not fill the memory
    if (this.#known.size > 1_000) this.#known.clear()
    const entry = getent(database, key)
    this.#known.set(id, { at: performance.now(), entry })
    return entry
  }
}

const NOBODY_NAMED = { name: undefined, home: '/', shell: '/bin/sh' } as const

function getent(database: string, key: string): Promise<string[] | undefined> {
  return new Promise((resolve) => {
    execFile('getent', [database, key], { timeout: 10_000 }, (error, stdout) => {
      const line = error ? '' : (stdout.split('\n')[0] ?? '')
      resolve(line === '' ? undefined : line.split(':'))
    })
  })
}

function unknown(what: string, found: string, fix: string): Error {
  return perdureError('SPAWN_FAILED', {
    expected: `a ${what} that this machine knows`,
    found: JSON.stringify(found),
    fix,
    data: { [what]: found },
  })
}

function denied(who: string, wanted: string | undefined): Error {
  return perdureError('DENIED', {
    expected: `a worker that runs as root, to start a command as ${JSON.stringify(wanted)}`,
    found: who,
    fix: 'Run a worker as that user, or as root, or submit without a user',
  })
}
