/**
 * A small process that outlives the worker only to end the commands that a crash of it leaves behind.
 *
 * Owns: that process; one per executor, started with the first command. It holds one end of a socket whose other end
 * only the worker has: when the worker is gone, by whatever cause, it reads the end of it, and kills every process
 * that carries the worker's cookie. So nothing has to be done per command, and a grandchild is found as well as a
 * child. (`PR_SET_PDEATHSIG` would need a wrapper around every command, reaches children only, and fires when the
 * *thread* that started them ends.) Should the guard be killed too, `reapOrphans` is what remains. Linux only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { hasProcessTable } from './processes.ts'

/**
 * $1 is the worker's pid, $2 its start in ticks. A line on stdin means that all is well.
 *
 * The end of the socket can be seen while the worker is still dying, and is also seen when only a thread of it ended:
 * so wait for the death, and do nothing when it does not come.
 */
const SCRIPT = `
read -r line && exit 0
alive() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  want=$2
  set -- \${stat##*) }
  case $1 in Z|X) return 1 ;; esac
  [ "\${20}" = "$want" ]
}
round=0
while alive "$1" "$2"; do
  round=$((round + 1))
  [ $round -le 100 ] || exit 0
  sleep 0.05
done
round=0
while [ $round -lt 100 ]; do
  files=$(grep -lszxF -- "PERDURE_OWNER=$1.$2" /proc/[0-9]*/environ) || [ -n "$files" ] || exit 0
  for file in $files; do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}" 2>/dev/null
  done
  round=$((round + 1))
  [ $round -lt 5 ] || sleep 0.05
done
`

/** Starts and ends the guard. */
export class Guard {
  readonly #owner: string
  #process: ChildProcess | undefined
  #isClosed = false

  /** @param owner the cookie of this process. */
  constructor(owner: string) {
    this.#owner = owner
  }

  /** The pid of the guard while there is one. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Makes sure that there is a guard. A machine that cannot start one does without. */
  ensure(): void {
    if (this.#process !== undefined || this.#isClosed || !hasProcessTable) return
    const [pid = '', ticks = ''] = this.#owner.split('.')
    const guard = spawn('/bin/sh', ['-c', SCRIPT, 'perdure-guard', pid, ticks], {
      cwd: '/',
      // a session of its own: what ends the worker's group must not end its guard
      detached: true,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#process = guard
    guard.on('error', () => {})
    guard.on('exit', () => {
      if (this.#process === guard) this.#process = undefined
    })
    guard.stdin?.on('error', () => {})
    // neither the process nor its socket is a reason for the worker to live on
    guard.unref()
    ;(guard.stdin as unknown as { unref?: () => void } | null)?.unref?.()
  }

  /** Lets the guard go: the worker ends in order. */
  close(): void {
    this.#isClosed = true
    this.#process?.stdin?.end('done\n')
  }
}
