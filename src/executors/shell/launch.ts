/**
 * From a plan to the process: which program is started, with what, and how it becomes the command.
 *
 * Owns: two ways. Mostly the command is started directly. One that runs as another user or with a umask goes through
 * a shell that sets things up *as that user* and then becomes the command: so root opens no file for anybody, and no
 * program that still has root's rights ever sees the submitted environment (LD_PRELOAD would be obeyed by it).
 */
import { existsSync } from 'node:fs'
import { perdureError } from '../../errors.ts'
import type { Variables } from './environment.ts'
import type { CommandPlan } from './input.ts'
import { findCommand } from './spawn-errors.ts'
import type { Identity } from './users.ts'

/** What to start. */
export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Variables
  /** Text for descriptor 3, from which the command's environment is read; undefined: there is no descriptor 3. */
  readonly setUp: string | undefined
}

/**
 * $1 folder, $2 umask, $3 stdin, $4 stdout, $5 stderr (files or empty; `>>` before a name adds to it), then the
 * command. The environment comes from descriptor 3 as shell text, and what goes wrong is told there in one word.
 */
const SET_UP = `
fail() { echo "$1" >&3; exit 126; }
vars=$(cat <&3) || fail environment
cd "$1" 2>/dev/null || fail cwd
[ -z "$2" ] || umask "$2"
if [ -n "$3" ]; then ( : <"$3" ) 2>/dev/null || fail stdin; exec <"$3"; fi
out=\${4#>>}; err=\${5#>>}
for file in "$out" "$err"; do
  [ -z "$file" ] || ( : >>"$file" ) 2>/dev/null || fail output
done
case $4 in '') ;; '>>'*) exec >>"$out" ;; *) exec >"$out" ;; esac
if [ -n "$err" ] && [ "$err" = "$out" ]; then exec 2>&1
else case $5 in '') ;; '>>'*) exec 2>>"$err" ;; *) exec 2>"$err" ;; esac; fi
shift 5
[ -x "$1" ] || fail command
unset PATH PWD OLDPWD SHLVL
eval "$vars"
exec 3>&- "$@"
`

/** Variables that some shells do not let anyone set; the command gets the shell's own idea of them, or none. */
const SHELLS_OWN = new Set(['UID', 'EUID', 'PPID', 'SHELLOPTS', 'BASHOPTS', 'BASH_VERSINFO'])

/**
 * Decides how to start a command.
 *
 * @param own the attempt's marks, which every process on the way carries as well.
 * @throws SPAWN_FAILED when the command or a helper is missing (the direct way finds that out by trying).
 */
export function launchOf(
  plan: CommandPlan,
  variables: Variables,
  own: Variables,
  identity: Identity | undefined,
): Launch {
  if (identity === undefined && plan.umask === undefined) {
    const [file, ...args] = plan.argv
    return { file, args, cwd: plan.cwd, env: variables, setUp: undefined }
  }
  const command = findCommand(plan.argv[0], plan.cwd, variables.PATH)
  const output = (target: CommandPlan['stdout']): string =>
    target === undefined ? '' : `${target.append === true ? '>>' : ''}${target.file}`
  const shell = [
    ...['/bin/sh', '-c', SET_UP, 'perdure', plan.cwd, plan.umask?.toString(8) ?? ''],
    plan.stdin !== undefined && 'file' in plan.stdin ? plan.stdin.file : '',
    ...[output(plan.stdout), output(plan.stderr), command, ...plan.argv.slice(1)],
  ]
  const [file = '', ...args] =
    identity === undefined ? shell : [findSetpriv(), ...privileges(identity), ...shell]
  return {
    file,
    args,
    cwd: '/',
    env: { ...own, PATH: '/usr/local/bin:/usr/bin:/bin' },
    setUp: asShellText(variables),
  }
}

/** The privileges of a command that runs as somebody else: that user's groups, and no way to gain more. */
function privileges(identity: Identity): string[] {
  return [
    ...[`--reuid=${identity.uid}`, `--regid=${identity.gid}`],
    // by name because setpriv looks the groups up for the user id that it was given, which then has to have one
    identity.name === undefined ? '--clear-groups' : '--init-groups',
    ...['--no-new-privs', '--inh-caps=-all', '--'],
  ]
}

/** In the text the values are quoted, so nothing in them is read as shell. */
function asShellText(variables: Variables): string {
  let text = ''
  for (const name in variables) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || SHELLS_OWN.has(name)) continue
    text += `export ${name}='${(variables[name] ?? '').replaceAll("'", "'\\''")}'\n`
  }
  return text
}

/** By its full path: root's PATH is not to decide which program gets root's rights. */
function findSetpriv(): string {
  const found = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  if (found !== undefined) return found
  throw perdureError('SPAWN_FAILED', {
    expected: 'setpriv, which starts commands as another user',
    found: 'no /usr/bin/setpriv',
    fix: 'Install util-linux, or run a worker as that user',
  })
}
