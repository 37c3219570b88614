/** What a machine tells of itself: against fixed files, and against this machine. */
import { execFileSync } from 'node:child_process'
import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import { readAttributes } from '../client/requirements.ts'
import { machineAttributes, namesOf, readMounts } from './attributes.ts'

const HOSTS = `
127.0.0.1 localhost
# 10.0.0.5 old-name
10.0.0.5  Node5.example node5 render5   # by address
192.168.1.9 gateway
10.9.9.9  node5.lab node5
::1 localhost ip6-localhost
`

describe('names', () => {
  it('are the host name, its first part, and the synonyms of its addresses and names', () => {
    expect(namesOf('Node5', ['10.0.0.5'], HOSTS).sort()).toEqual([
      'node5',
      'node5.example',
      'node5.lab',
      'render5',
    ])
    expect(namesOf('render9.example', ['10.1.1.1'], HOSTS)).toEqual(['render9.example', 'render9'])
  })
})

describe('mounts', () => {
  it('are those where data may be, in order, each local or on the network', () => {
    const text = [
      '/dev/sda1 / ext4 rw 0 0',
      'proc /proc proc rw 0 0',
      'server:/films /net/my\\040films nfs4 rw 0 0',
      'overlay /merged fuse.fuse-overlayfs rw 0 0',
      'me@there: /there fuse.sshfs rw 0 0',
      '',
    ].join('\n')
    expect(readMounts(text)).toEqual([
      { path: '/', type: 'ext4', isNetwork: false },
      { path: '/net/my films', type: 'nfs4', isNetwork: true },
      { path: '/merged', type: 'fuse.fuse-overlayfs', isNetwork: false },
      { path: '/there', type: 'fuse.sshfs', isNetwork: true },
    ])
  })
})

describe('this machine', () => {
  it('tells what its own tools tell, in a form that is accepted', () => {
    const told = machineAttributes({ labels: ['gpu=a100'], hosts: ['alias'] })
    expect(readAttributes(told)).toEqual(told)
    expect(told.hosts).toEqual(expect.arrayContaining([hostname().toLowerCase(), 'alias']))
    expect(told.platform).toBe(`${process.platform}/${process.arch}`)
    expect(told.labels).toEqual(['gpu=a100'])
    expect(told.cpus).toBeGreaterThan(0)
    expect(told.memory).toBeGreaterThan(2 ** 20)
    if (process.getuid === undefined) return
    expect(String(told.uid)).toBe(execFileSync('id', ['-u'], { encoding: 'utf8' }).trim())
    expect(told.group).toBe(execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim())
  })

  it('gives to its jobs what it is told to give', () => {
    expect(machineAttributes({ cpus: 3, memory: 5 })).toMatchObject({ cpus: 3, memory: 5 })
  })
})
