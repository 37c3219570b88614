import { expect, it } from 'vitest'
import { PerdureError } from '../errors.ts'
import { defaultStorePath, readAddress } from './address.ts'

it('the store of the user lies where the XDG rules put data', () => {
  expect(defaultStorePath({ XDG_DATA_HOME: '/x', HOME: '/h' })).toBe('/x/perdure/perdure.db')
  expect(defaultStorePath({ XDG_DATA_HOME: 'relative', HOME: '/h' })).toBe(
    '/h/.local/share/perdure/perdure.db',
  )
  expect(defaultStorePath({ HOME: '/h' })).toBe('/h/.local/share/perdure/perdure.db')
})

it('the option wins over the variable, and nothing means the store of the user', () => {
  const env = { HOME: '/h', PERDURE_URL: 'sqlite:/env.db' }
  expect(readAddress('sqlite:/option.db', env)).toEqual({ type: 'sqlite', path: '/option.db' })
  expect(readAddress(undefined, env)).toEqual({ type: 'sqlite', path: '/env.db' })
  expect(readAddress('unix:/s.sock', env)).toEqual({ type: 'unix', path: '/s.sock' })
  expect(readAddress(undefined, { HOME: '/h', PERDURE_URL: '' }).path).toBe(
    '/h/.local/share/perdure/perdure.db',
  )
})

it('a store that would end with the command is refused', () => {
  for (const url of ['memory:', 'sqlite::memory:', 'postgres://h/d', 'x']) {
    expect(() => readAddress(url, {})).toThrow(PerdureError)
  }
})
