/**
 * The systems that can be measured, by name: what each needs and how much of a scenario it is given. The code of a
 * system is loaded only in the process that measures it.
 */
import type { SystemFactory } from './system.ts'
import type { WorkflowSystemFactory } from './workflows/system.ts'

/** A server that must run for a system. */
export type Server = 'redis' | 'volatileRedis' | 'postgres' | 'restate'

/**
 * How many jobs a scenario gives the system, so that each runs for seconds: those that do 10,000 jobs a second are not
 * given 200,000, and one that syncs the disk three times for each job is given fewer still.
 */
export type Pace = 'embedded' | 'server' | 'slow'

export interface SystemEntry {
  /** As tables print it. */
  label: string
  kind: 'subject' | 'floor' | 'peer'
  pace: Pace
  server?: Server
  /** As a queue of jobs; absent where it is none. */
  load?(): Promise<SystemFactory>
  /** As it runs workflows; absent where it does not. */
  loadWorkflows?(): Promise<WorkflowSystemFactory>
}

export const systems = {
  perdure: {
    label: 'Perdure',
    kind: 'subject',
    pace: 'embedded',
    load: async () => (await import('./perdure.ts')).makePerdure,
    loadWorkflows: async () => (await import('./workflows/perdure.ts')).makePerdureWorkflows,
  },
  node: {
    label: 'Perdure node',
    kind: 'subject',
    pace: 'embedded',
    load: async () => (await import('./node.ts')).makeNode,
    loadWorkflows: async () => (await import('./workflows/perdure.ts')).makeNodeWorkflows,
  },
  floor: {
    label: 'floor',
    kind: 'floor',
    pace: 'embedded',
    load: async () => (await import('./floor/floor.ts')).makeFloor,
  },
  'graphile-worker': {
    label: 'Graphile Worker',
    kind: 'peer',
    pace: 'server',
    server: 'postgres',
    load: async () => (await import('./peers/graphile-worker.ts')).makeGraphileWorker,
  },
  'pg-boss': {
    label: 'pg-boss',
    kind: 'peer',
    pace: 'server',
    server: 'postgres',
    load: async () => (await import('./peers/pg-boss.ts')).makePgBoss,
  },
  bullmq: {
    label: 'BullMQ',
    kind: 'peer',
    pace: 'server',
    server: 'redis',
    load: async () => (await import('./peers/bullmq.ts')).makeBullMq,
  },
  'bullmq-volatile': {
    label: 'BullMQ without persistence',
    kind: 'peer',
    pace: 'server',
    server: 'volatileRedis',
    load: async () => (await import('./peers/bullmq.ts')).makeVolatileBullMq,
  },
  'bee-queue': {
    label: 'bee-queue',
    kind: 'peer',
    pace: 'server',
    server: 'redis',
    load: async () => (await import('./peers/bee-queue.ts')).makeBeeQueue,
  },
  plainjob: {
    label: 'plainjob',
    kind: 'peer',
    pace: 'slow',
    load: async () => (await import('./peers/plainjob.ts')).makePlainjob,
  },
  restate: {
    label: 'Restate',
    kind: 'peer',
    pace: 'server',
    server: 'restate',
    loadWorkflows: async () => (await import('./peers/restate.ts')).makeRestate,
  },
  dbos: {
    label: 'DBOS',
    kind: 'peer',
    pace: 'server',
    server: 'postgres',
    loadWorkflows: async () => (await import('./peers/dbos.ts')).makeDbos,
  },
  openworkflow: {
    label: 'OpenWorkflow',
    kind: 'peer',
    pace: 'server',
    server: 'postgres',
    loadWorkflows: async () => (await import('./peers/openworkflow.ts')).makeOpenWorkflow,
  },
} satisfies Record<string, SystemEntry>

export type SystemName = keyof typeof systems

/** The entry of a system, with the members that only some have. */
export const systemEntry = (name: SystemName): SystemEntry => systems[name]
