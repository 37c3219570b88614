import { describe, expect, it } from 'vitest'
import { formatGrant, parseGrant } from './grant.ts'

describe('a grant', () => {
  it.each([
    ['admin', { roles: ['admin'] }],
    ['producer in acme', { roles: ['producer'], namespaces: ['acme'] }],
    ['operator+producer in acme,globex', { roles: ['operator', 'producer'], namespaces: ['acme', 'globex'] }],
    ['worker of video,audio', { roles: ['worker'], queues: ['video', 'audio'] }],
    ['producer+worker of q', { roles: ['producer', 'worker'], queues: ['q'] }],
  ])('%s is read, and written as it was', (text, grant) => {
    expect(parseGrant('x', text)).toEqual(grant)
    expect(formatGrant(parseGrant('x', text))).toBe(text)
  })

  it.each([
    '',
    'wrker',
    'admin of q',
    'producer of q',
    'worker in acme',
    'admin+worker of q',
    'producer in',
    'producer in acme of q of r',
    'producer in a,,b',
    'producer in -a',
    'producer of q in a',
    'admin\nadmin',
    undefined,
    5,
  ])('%j is none', (text) => {
    expect(() => parseGrant('x', text)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  it('that is misspelt is answered with the nearest role', () => {
    expect(() => parseGrant('x', 'produser')).toThrow('Did you mean producer?')
  })
})
