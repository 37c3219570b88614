import { describe, expect, it } from 'vitest'
import { parseAddress } from './address.ts'

describe('addresses of nodes', () => {
  it.each([
    ['http://127.0.0.1:7400', 'http://127.0.0.1:7400'],
    ['http://localhost', 'http://localhost:7400'],
    ['https://Node.example/', 'https://node.example:7400'],
    ['https://node.example:443', 'https://node.example:443'],
    ['http://[::1]:80/', 'http://[::1]:80'],
  ])('%s is %s', (text, url) => {
    expect(parseAddress(text)).toEqual({ type: 'node', url })
  })

  it('tell nobody a password that should not have been there', () => {
    expect(() => parseAddress('https://user:secret@node')).toThrow(/credentials as options/)
    expect(() => parseAddress('https://user:secret@node')).not.toThrow(/secret/)
  })
})

describe('addresses of stores', () => {
  it.each(['app.db', './app.db', '/var/app.db'])('a path alone is likely meant as a file: %s', (path) => {
    expect(() => parseAddress(path)).toThrow(`Did you mean 'sqlite:${path}'?`)
  })

  it.each(['postgres://db/app', 'mongo:x', ''])('of others nothing is guessed: %j', (text) => {
    expect(() => parseAddress(text)).toThrow(/Use 'memory:'/)
    expect(() => parseAddress(text)).not.toThrow(/Did you mean/)
  })
})
