/**
 * Makes one command enough: installs the dependencies when they are not those of the lock file, then hands
 * over to the Node that the repository brings along, with the given script and its arguments.
 *
 * Plain JavaScript without dependencies, because it runs before there are any, and on Node 20, which a machine
 * may have. Says on stderr what it does; stdout belongs to the script. Never writes outside the repository
 * (npm's own cache aside).
 *
 * Usage: node scripts/bootstrap.mjs SCRIPT [ARGUMENT...]      (SCRIPT is relative to the repository's root)
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants, hostname } from 'node:os'
import { delimiter, dirname, join, resolve, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MODULES = join(ROOT, 'node_modules')
const LOCK_FILE = join(ROOT, 'package-lock.json')
const STAMP = join(MODULES, '.perdure-stamp')
// not in node_modules: `npm ci` empties that, the lock with it
const CACHE = join(ROOT, '.cache')
const INSTALL_LOCK = join(CACHE, 'install.lock')

const BUNDLED_NODE = join(MODULES, '.bin', 'node')
const BRINGS_NODE = process.platform === 'linux' && process.arch === 'x64'
const LEAST_NODE = [22, 13]

// An install takes seconds from npm's cache and a minute from a slow registry; after this it is stuck.
const INSTALL_TIMEOUT_MS = 10 * 60_000
const LOCK_TIMEOUT_MS = INSTALL_TIMEOUT_MS + 60_000
const LOCK_POLL_MS = 200
// A lock of another machine (a shared folder) cannot be checked by process id, only by its age.
const FOREIGN_LOCK_MS = LOCK_TIMEOUT_MS
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']

const say = (text) => process.stderr.write(`perdure: ${text}\n`)

function fail(text) {
  say(text)
  process.exit(1)
}

/** What the installed tree depends on. Node's version counts only where it is the machine's own. */
function wantedStamp() {
  const lock = createHash('sha256').update(readFileSync(LOCK_FILE)).digest('hex')
  const node = BRINGS_NODE ? 'bundled' : process.versions.node.split('.')[0]
  return `${lock} node-${node} ${process.platform}-${process.arch}\n`
}

function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** True when nothing has to be installed. Adopts a tree that somebody installed with npm directly. */
function isInstalled(wanted) {
  if (BRINGS_NODE && !existsSync(BUNDLED_NODE)) return false
  const found = readOrEmpty(STAMP)
  if (found === wanted) return true
  // a stamp of another platform or Node: the tree may equal the lock and still hold the wrong binaries
  if (found !== '' && found.slice(found.indexOf(' ')) !== wanted.slice(wanted.indexOf(' '))) return false
  if (!treeEqualsLock()) return false
  writeStamp(wanted)
  return true
}

/** Only saves the comparison next time: a tree that this user may not write is as good without a stamp. */
function writeStamp(wanted) {
  try {
    writeFileSync(STAMP, wanted)
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error
  }
}

/** Compares the lock with npm's own record of what it installed, which npm writes last. */
function treeEqualsLock() {
  const record = readOrEmpty(join(MODULES, '.package-lock.json'))
  if (record === '') return false
  const installed = JSON.parse(record).packages ?? {}
  const wanted = JSON.parse(readFileSync(LOCK_FILE, 'utf8')).packages ?? {}
  const same = (a, b) => a.version === b.version && a.integrity === b.integrity
  for (const [path, entry] of Object.entries(installed)) {
    if (!wanted[path] || !same(wanted[path], entry)) return false
  }
  return Object.entries(wanted).every(([path, entry]) => path === '' || entry.optional || installed[path])
}

/** Runs a child, passing signals on, and resolves with how it ended: `error`, or `code` and `signal`. */
function runChild(command, args, options) {
  return new Promise((done) => {
    const child = spawn(command, args, options)
    const forward = forwardSignals(child)
    child.on('error', (error) => {
      forward.stop()
      done({ error, received: forward.received })
    })
    child.on('close', (code, signal) => {
      forward.stop()
      done({ code, signal, received: forward.received })
    })
  })
}

/** Passes our signals on. A terminal sends SIGINT to the whole group itself: a second one would mean "now!". */
function forwardSignals(child) {
  const received = new Set()
  const handlers = SIGNALS.map((signal) => {
    const handler = () => {
      received.add(signal)
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    process.on(signal, handler)
    return [signal, handler]
  })
  return {
    received,
    stop: () => {
      for (const [signal, handler] of handlers) process.off(signal, handler)
    },
  }
}

/** Ends this process the way the child ended. */
function endLike({ code, signal }) {
  if (!signal) process.exit(code ?? 1)
  process.kill(process.pid, signal)
  // signals that this process cannot die of (or that are blocked) still end it with the shell's code
  setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100)
}

/** PATH without this tree's own programs: the npm that empties node_modules must not run from inside it. */
function outsidePath() {
  const inside = MODULES + sep
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !(entry + sep).startsWith(inside))
    .join(delimiter)
}

async function install(wanted) {
  const args = ['ci', '--include=dev', '--no-fund', '--no-audit', '--no-progress', '--loglevel=error']
  // Node comes as a package for linux-x64 only; elsewhere npm would refuse the tree because of it
  if (!BRINGS_NODE) args.push('--force')
  say(`the dependencies are not those of package-lock.json yet; running "npm ${args[0]}" (once)`)
  const result = await runChild('npm', args, {
    cwd: ROOT,
    env: { ...process.env, PATH: outsidePath() },
    stdio: ['ignore', 2, 2],
    timeout: INSTALL_TIMEOUT_MS,
    shell: process.platform === 'win32',
  })
  if (result.error)
    fail(`npm could not be started (${result.error.message}). Install Node 20 or newer with npm.`)
  const [stoppedBy] = result.received
  if (stoppedBy) fail(`stopped by ${stoppedBy} while installing; the next run installs again`)
  if (result.signal)
    fail(`"npm ci" was ended by ${result.signal} (its limit is ${INSTALL_TIMEOUT_MS / 60_000} minutes)`)
  if (result.code !== 0) fail(`"npm ci" failed with exit code ${result.code}; its message is above`)
  writeStamp(wanted)
  say('the dependencies are installed')
}

let holdsLock = false

function releaseLock() {
  if (holdsLock) rmSync(INSTALL_LOCK, { force: true })
  holdsLock = false
}

/** Takes the install lock if it is free. The link makes the lock appear with its content, never empty. */
function tryLock() {
  const draft = `${INSTALL_LOCK}.${process.pid}`
  writeFileSync(draft, JSON.stringify({ pid: process.pid, host: hostname() }))
  try {
    linkSync(draft, INSTALL_LOCK)
    holdsLock = true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return holdsLock
}

/** True when the process that wrote the lock is gone. */
function lockIsStale() {
  let age
  try {
    age = Date.now() - statSync(INSTALL_LOCK).mtimeMs
  } catch {
    return false
  }
  let owner
  try {
    owner = JSON.parse(readOrEmpty(INSTALL_LOCK))
  } catch {
    return age > FOREIGN_LOCK_MS
  }
  if (owner.host !== hostname()) return age > FOREIGN_LOCK_MS
  try {
    process.kill(owner.pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Removes a lock whose owner died. A second lock around it, so that nobody removes the next owner's lock. */
function breakStaleLock() {
  if (!lockIsStale()) return
  const breaker = `${INSTALL_LOCK}.break`
  try {
    mkdirSync(breaker)
  } catch {
    // somebody else is at it, or died at it; its work takes microseconds
    if (existsSync(breaker) && Date.now() - statSync(breaker).mtimeMs > 10_000)
      rmSync(breaker, { recursive: true })
    return
  }
  if (lockIsStale()) rmSync(INSTALL_LOCK, { force: true })
  rmSync(breaker, { recursive: true })
}

async function ensureInstalled() {
  const wanted = wantedStamp()
  if (isInstalled(wanted) && !existsSync(INSTALL_LOCK)) return
  mkdirSync(CACHE, { recursive: true })
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  for (let waited = false; !tryLock(); waited = true) {
    if (!waited) say('another process is installing the dependencies; waiting for it')
    if (Date.now() > deadline)
      fail(`still waiting for ${INSTALL_LOCK}; if nothing is installing, delete that file`)
    await delay(LOCK_POLL_MS)
    breakStaleLock()
  }
  process.on('exit', releaseLock)
  if (!isInstalled(wanted)) await install(wanted)
  releaseLock()
}

/** The Node to hand over to, and what it needs in its environment. */
function chooseNode() {
  if (BRINGS_NODE) return { command: BUNDLED_NODE, options: '' }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
    fail(
      `expected Node ${LEAST_NODE.join('.')} or newer on ${process.platform}-${process.arch}, found ` +
        `${process.versions.node}. The repository brings its own Node for linux-x64 only: install Node 24.`,
    )
  }
  // 22.13 to 22.17 run TypeScript only when asked; worker threads and children need to be asked, too
  const options = process.features.typescript
    ? ''
    : ' --experimental-strip-types --disable-warning=ExperimentalWarning'
  return { command: process.execPath, options }
}

async function main() {
  const [script, ...args] = process.argv.slice(2)
  if (!script) fail('usage: node scripts/bootstrap.mjs SCRIPT [ARGUMENT...]')
  await ensureInstalled()
  const file = resolve(ROOT, script)
  if (!existsSync(file)) fail(`there is no ${file}`)
  const node = chooseNode()
  const result = await runChild(node.command, [file, ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${join(MODULES, '.bin')}${delimiter}${outsidePath()}`,
      ...(node.options && { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''}${node.options}`.trim() }),
    },
  })
  if (result.error) fail(`${node.command} could not be started (${result.error.message})`)
  endLike(result)
}

await main().catch((error) => fail(error.message))
