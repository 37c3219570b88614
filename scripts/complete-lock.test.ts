/** Shows what an added lock entry says, and that entries of the registry are left as they are. */
import { expect, it } from 'vitest'
import { completeLock } from './complete-lock.ts'

const parent = (optionalDependencies: Record<string, string>) => ({
  dev: true,
  version: '1.0.0',
  optionalDependencies,
})

it('adds what is missing, with the platform that its name says', () => {
  const present = { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'] }
  const { lock, added } = completeLock({
    packages: {
      'node_modules/tool': parent({ '@tool/linux-x64': '1.0.0', '@tool/linux-arm64-musl': '1.0.0' }),
      'node_modules/@tool/linux-x64': present,
    },
  })
  expect(added).toEqual(['@tool/linux-arm64-musl@1.0.0'])
  expect(lock.packages['node_modules/@tool/linux-x64']).toBe(present)
  expect(lock.packages['node_modules/@tool/linux-arm64-musl']).toEqual({
    version: '1.0.0',
    dev: true,
    optional: true,
    os: ['linux'],
    cpu: ['arm64'],
    libc: ['musl'],
  })
  expect(Object.keys(lock.packages)).toEqual(Object.keys(lock.packages).toSorted())
})

it('refuses to guess', () => {
  const lockOf = (name: string, version: string) => ({
    packages: { 'node_modules/tool': parent({ [name]: version }) },
  })
  expect(() => completeLock(lockOf('tool-extras', '1.0.0'))).toThrow(/does not say its platform/)
  expect(() => completeLock(lockOf('tool-linux-x64', '^1.0.0'))).toThrow(/exact version/)
})
