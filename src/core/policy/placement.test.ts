/** Which worker may take what, why none can, and who may pass a job that does not fit now. */
import { describe, expect, it } from 'vitest'
import type { Requirements, WorkerAttributes } from '../model/requirements.ts'
import { type Candidate, explain, isNear, lackOf } from './placement.ts'
import { Room } from './room.ts'

const GIB = 1024 ** 3
const HOST: WorkerAttributes = {
  hosts: ['node1', 'node1.farm'],
  addresses: ['10.1.2.3'],
  platform: 'linux/x64',
  user: 'ada',
  uid: 1_000,
  group: 'staff',
  gid: 50,
  isRoot: false,
  mounts: [],
  cpus: 4,
  memory: 8 * GIB,
  labels: ['gpu'],
}

const worker = (own: Partial<WorkerAttributes> = {}, paths: Record<string, boolean> = {}): Candidate => ({
  attributes: { ...HOST, ...own },
  hasPath: (path) => paths[path],
})
const silent: Candidate = { attributes: undefined, hasPath: () => undefined }

describe('a worker', () => {
  it.each<[Requirements, keyof Requirements | undefined]>([
    [{}, undefined],
    [{ hosts: ['node*'] }, undefined],
    [{ hosts: ['node*', '!*.farm'] }, 'hosts'],
    [{ hosts: ['!other'] }, undefined],
    [{ networks: ['10.0.0.0/8'] }, undefined],
    [{ networks: ['192.168.0.0/16'] }, 'networks'],
    [{ networks: ['no mask'] }, 'networks'],
    [{ platforms: ['linux/*'] }, undefined],
    [{ platforms: ['darwin/*'] }, 'platforms'],
    [{ labels: ['gpu', 'big'] }, 'labels'],
    [{ user: 'ada', group: 'staff' }, undefined],
    [{ user: '1000', group: '50' }, undefined],
    [{ user: 'bob' }, 'user'],
    [{ group: 'wheel' }, 'group'],
    [{ cpus: 5 }, 'cpus'],
    [{ memory: 9 * GIB }, 'memory'],
    [{ paths: ['/here'] }, undefined],
    [{ paths: ['/here', '/gone'] }, 'paths'],
    [{ paths: ['/here', '/unknown'] }, 'paths'],
  ])('that is asked for %j lacks %s', (requires, lack) => {
    expect(lackOf(requires, worker({}, { '/here': true, '/gone': false }))).toBe(lack)
  })

  it('that is root can be anybody', () => {
    expect(lackOf({ user: 'bob', group: 'wheel' }, worker({ isRoot: true }))).toBeUndefined()
  })

  it('that has said nothing of itself takes what asks for nothing', () => {
    expect([lackOf({}, silent), lackOf({ cpus: 1 }, silent)]).toEqual([undefined, 'cpus'])
  })
})

describe('why no worker takes a job', () => {
  it.each<[string, Requirements, Candidate[], string | null]>([
    ['nobody is there', {}, [], 'no worker is here for its queue and kind'],
    ['somebody can', { cpus: 2 }, [worker({ cpus: 1 }), worker()], null],
    ['somebody may turn out to', { paths: ['/data'] }, [worker()], null],
    [
      'the one that is there has not the path',
      { paths: ['/data'] },
      [worker({}, { '/data': false })],
      'no worker matches: path /data excludes the only worker here',
    ],
    ['it is too large', { cpus: 64 }, [worker(), silent], 'needs 64 cpus; the largest worker has 4'],
    ['nobody says how large it is', { cpus: 1 }, [silent], 'needs 1 cpus; the largest worker has 0'],
    [
      'there is too little memory',
      { memory: 16 * GIB },
      [worker()],
      'needs 16GiB of memory; the largest worker has 8GiB',
    ],
    [
      'nobody has the version of a workflow',
      { labels: ['gpu', 'version:order=3'] },
      [worker({ labels: ['gpu', 'version:order=4'] }), worker()],
      'no worker for version 3 is here',
    ],
    [
      'somebody has the version, and not the rest',
      { labels: ['gpu', 'version:order=3'] },
      [worker({ labels: ['version:order=3'] })],
      'no worker matches: label gpu version:order=3 excludes the only worker here',
    ],
    [
      'each lacks something else',
      { hosts: ['node2'], memory: 16 * GIB },
      [worker(), worker({ hosts: ['node2'] })],
      'no worker matches: host node2 excludes 1, memory 16GiB excludes 1 of the 2 workers here',
    ],
    [
      'each lacks something else, users among it',
      { user: 'bob', hosts: ['node1'] },
      [worker(), worker({ hosts: ['node2'] })],
      'no worker matches: user bob excludes 1, host node1 excludes 1 of the 2 workers here',
    ],
  ])('%s', (_, requires, workers, reason) => {
    expect(explain(requires, workers)).toBe(reason)
  })
})

it('files are near on the mount that lies over them last', () => {
  const mounts = [
    { path: '/', type: 'ext4', isNetwork: false },
    { path: '/net', type: 'nfs4', isNetwork: true },
    { path: '/net', type: 'ext4', isNetwork: false },
    { path: '/net/far', type: 'nfs4', isNetwork: true },
  ]
  const paths = ['/home', '/net', '/network', '/net/a', '/net/far/b']
  expect(paths.map((path) => isNear(mounts, path))).toEqual([true, true, true, true, false])
  expect(isNear([], '/home')).toBe(false)
})

describe('room that is kept for a job which does not fit now', () => {
  const one = { cpus: 1, memory: 0 }
  const room = new Room({ cpus: 4, memory: GIB }, { cpus: 2, memory: 0 })
  room.keepFor({ rank: 5, ahead: 10 })

  it.each([
    ['one that is more urgent passes', { rank: 4, ahead: 1_000 }, true],
    ['one that is less urgent does not', { rank: 6, ahead: 0 }, false],
    ['one of its likes passes for a while', { rank: 5, ahead: 42 }, true],
    ['and no longer', { rank: 5, ahead: 43 }, false],
  ])('%s', (_, standing, passes) => {
    expect(room.admits(one, standing)).toBe(passes)
  })

  it('is in the way of nobody who reserves nothing, and holds no more than there is', () => {
    const last = { rank: 9, ahead: 0 }
    const first = { rank: 0, ahead: 0 }
    expect(room.admits({ cpus: 0, memory: 0 }, last)).toBe(true)
    expect(room.admits({ cpus: 3, memory: 0 }, first)).toBe(false)
    expect(room.admits({ cpus: 0, memory: 2 * GIB }, first)).toBe(false)
    room.take({ cpus: 2, memory: 0 })
    expect(room.admits(one, first)).toBe(false)
  })
})
