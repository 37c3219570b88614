/**
 * The commands of the command line: what each is called, what it is for, and which file holds it.
 *
 * Owns: the table, in the order of the help. A command's file is loaded only when that command is called, so that none pays
 * for what another needs.
 */
import type { Command } from 'commander'
import type { Action } from './context.ts'

/** Defines one command: its options, its help, and how it is run. */
export type Definition = (command: Command, run: RunAction) => void

/** Makes the handler of a command from its action. */
export type RunAction = <Options extends object>(
  action: Action<Options>,
) => (...values: unknown[]) => Promise<void>

/** One command. */
export interface Entry {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly usage: string
  readonly summary: string
  readonly load: () => Promise<{ readonly define: Definition }>
}

/** Commands that a person looks for at the same place. */
export interface Group {
  readonly heading: string
  readonly entries: readonly Entry[]
}

export const GROUPS: readonly Group[] = [
  {
    heading: 'Enqueue',
    entries: [
      {
        name: 'submit',
        usage: '[options] [--] command [arguments...]',
        summary: 'submit a command as a job',
        load: () => import('./commands/submit.ts'),
      },
      {
        name: 'enqueue',
        usage: '[options] <kind> [json]',
        summary: 'enqueue a job or a workflow that a module defines',
        load: () => import('./commands/enqueue.ts'),
      },
      {
        name: 'xargs',
        usage: '[options] [--] command [arguments...]',
        summary: 'run a command over items from standard input',
        load: () => import('./commands/xargs.ts'),
      },
    ],
  },
  {
    heading: 'Look',
    entries: [
      {
        name: 'status',
        aliases: ['ls'],
        usage: '[options] [id...]',
        summary: 'show jobs and queues',
        load: () => import('./commands/status.ts'),
      },
      {
        name: 'show',
        usage: '[options] <id>',
        summary: 'show what a workflow run did',
        load: () => import('./commands/show.ts'),
      },
      {
        name: 'output',
        usage: '[options] <id...>',
        summary: 'show what jobs wrote',
        load: () => import('./commands/output.ts'),
      },
      {
        name: 'logs',
        usage: '[options]',
        summary: 'show what nodes, workers and jobs say',
        load: () => import('./commands/logs.ts'),
      },
      {
        name: 'wait',
        usage: '[options] [id...]',
        summary: 'wait until jobs have ended',
        load: () => import('./commands/wait.ts'),
      },
    ],
  },
  {
    heading: 'Control',
    entries: [
      {
        name: 'kill',
        aliases: ['cancel'],
        usage: '[options] [id...]',
        summary: 'cancel jobs',
        load: () => import('./commands/kill.ts'),
      },
      {
        name: 'retry',
        usage: '[options] [id...]',
        summary: 'run failed or cancelled jobs again',
        load: () => import('./commands/retry.ts'),
      },
      {
        name: 'hold',
        usage: '[options] [id...]',
        summary: 'put jobs aside',
        load: () => import('./commands/hold.ts'),
      },
      {
        name: 'release',
        usage: '[options] [id...]',
        summary: 'take held jobs back in',
        load: () => import('./commands/release.ts'),
      },
      {
        name: 'rm',
        usage: '[options] [id...]',
        summary: 'delete ended jobs',
        load: () => import('./commands/rm.ts'),
      },
      {
        name: 'pause',
        usage: '[options] <queue...>',
        summary: 'stop handing out jobs of queues',
        load: () => import('./commands/pause.ts'),
      },
      {
        name: 'resume',
        usage: '[options] <queue...>',
        summary: 'hand out jobs of queues again',
        load: () => import('./commands/resume.ts'),
      },
    ],
  },
  {
    heading: 'Workflows',
    entries: [
      {
        name: 'signal',
        usage: '[options] <run> <name> [json]',
        summary: 'tell a workflow run something',
        load: () => import('./commands/signal.ts'),
      },
      {
        name: 'inbox',
        usage: '[options] [token]',
        summary: 'show what workflow runs ask people',
        load: () => import('./commands/inbox.ts'),
      },
      {
        name: 'answer',
        usage: '[options] <token> <json>',
        summary: 'answer a question of the inbox',
        load: () => import('./commands/answer.ts'),
      },
      {
        name: 'fork',
        usage: '[options] <run>',
        summary: 'begin another run with what one had done',
        load: () => import('./commands/fork.ts'),
      },
      {
        name: 'replay',
        usage: '[options] <file> <run>',
        summary: 'hold the code of a workflow against what a run did',
        load: () => import('./commands/replay.ts'),
      },
      {
        name: 'repin',
        usage: '[options] [id...]',
        summary: 'move workflow runs to another version',
        load: () => import('./commands/repin.ts'),
      },
    ],
  },
  {
    heading: 'Run',
    entries: [
      {
        name: 'worker',
        usage: '[options] [queue...]',
        summary: 'run submitted commands',
        load: () => import('./commands/worker.ts'),
      },
      {
        name: 'run',
        usage: '[options] <file>',
        summary: 'run the jobs that a module defines',
        load: () => import('./commands/run.ts'),
      },
    ],
  },
  {
    heading: 'Serve',
    entries: [
      {
        name: 'node',
        usage: '[options]',
        summary: 'serve a store to others over the network',
        load: () => import('./commands/node.ts'),
      },
      {
        name: 'up',
        usage: '[options] <file>',
        summary: 'serve a store and run the jobs that a module defines',
        load: () => import('./commands/up.ts'),
      },
      {
        name: 'token',
        usage: '[options] <create|list|rotate|revoke> [words...]',
        summary: 'make and end the tokens that a node lets in',
        load: () => import('./commands/token.ts'),
      },
      {
        name: 'audit',
        usage: '[options] <show|verify>',
        summary: 'show what operators did',
        load: () => import('./commands/audit.ts'),
      },
    ],
  },
  {
    heading: 'Look after',
    entries: [
      {
        name: 'config',
        usage: '[options] <check|print> [file]',
        summary: 'check the configuration, or show all settings',
        load: () => import('./commands/config.ts'),
      },
      {
        name: 'doctor',
        usage: '[options]',
        summary: 'check the store and what it runs on',
        load: () => import('./commands/doctor.ts'),
      },
    ],
  },
]
