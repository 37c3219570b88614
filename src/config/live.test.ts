import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PerdureError } from '../errors.ts'
import { LiveConfig } from './live.ts'
import { loadConfig } from './load.ts'
import { isConfigured, locateConfig } from './locate.ts'
import { SCHEMA, settingsOf, variableOf } from './schema.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-config-'))
  file = join(folder, 'perdure.yaml')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function live(env: Record<string, string> = {}): Promise<LiveConfig> {
  const sources = { env: { HOME: folder, ...env }, file }
  return new LiveConfig(sources, await loadConfig(sources))
}

describe('which file counts', () => {
  it('is the one that was named, then that of the variable, then the own one', async () => {
    const own = join(folder, '.config', 'perdure', 'perdure.yaml')
    const env = { HOME: folder }
    expect(locateConfig({ env })).toBeUndefined()
    expect((await loadConfig({ env })).config.worker.drain).toBe(25_000)
    expect(locateConfig({ env: { ...env, PERDURE_CONFIG: '/etc/p.yaml' } })).toBe('/etc/p.yaml')
    expect(locateConfig({ env: { ...env, PERDURE_CONFIG: '/etc/p.yaml' }, file })).toBe(file)
    expect(locateConfig({ env, file: own })).toBe(own)
    mkdirSync(dirname(own), { recursive: true })
    writeFileSync(own, '')
    expect(locateConfig({ env })).toBe(own)
    expect(locateConfig({ env: { ...env, XDG_CONFIG_HOME: '/nowhere' } })).toBeUndefined()
    expect(locateConfig({ env: { ...env, XDG_CONFIG_HOME: 'relative' } })).toBe(own)
  })

  it('is not looked for any further where nothing is configured', () => {
    const env = { HOME: folder, PERDURE_URL: 'sqlite:a.db', PERDURE_JOB: '1', PERDURE_TOKEN: 't' }
    expect(isConfigured({ env })).toBe(false)
    expect(isConfigured({ env: { ...env, PERDURE_CONFIG: file } })).toBe(true)
    for (const placed of settingsOf(SCHEMA)) {
      const variable = variableOf(placed)
      expect(isConfigured({ env: { ...env, [variable]: '1' } })).toBe(variable !== 'PERDURE_URL')
    }
  })

  it('must be there when it was named', async () => {
    await expect(loadConfig({ env: {}, file })).rejects.toThrow(/expected a configuration file at .*ENOENT/)
  })

  it('is refused with the place of its first mistake and the number of the others', async () => {
    writeFileSync(file, 'worker:\n  concurency: 8\n  drain: 5\n')
    try {
      await loadConfig({ env: {}, file })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(PerdureError)
      expect(error).toMatchObject({
        code: 'INVALID_CONFIG',
        exit: 78,
        data: { where: 'perdure.yaml:2:3', problems: 2 },
      })
      expect((error as Error).message).toMatch(
        /^The configuration has a mistake: expected at perdure.yaml:2:3 one of .* for the other 1\.$/,
      )
    }
  })
})

describe('a reload', () => {
  it('takes over what is live, and tells what needs a restart', async () => {
    writeFileSync(file, 'worker: {concurrency: 2, name: a}\n')
    const config = await live()
    const before = config.current
    const told: unknown[] = []
    const remove = config.onChange((reload) => told.push(reload))
    expect(await config.reload()).toEqual({ applied: [], waiting: [] })
    expect(told).toEqual([])
    writeFileSync(file, 'worker: {concurrency: 5, name: b}\n')
    const expected = {
      applied: [{ path: 'worker.concurrency', from: 2, to: 5 }],
      waiting: [{ path: 'worker.name', from: 'a', to: 'b' }],
    }
    expect(await config.reload()).toEqual(expected)
    expect(told).toEqual([expected])
    expect(config.current.worker).toMatchObject({ concurrency: 5, name: 'a' })
    expect(before.worker.concurrency).toBe(2)
    remove()
    writeFileSync(file, '')
    expect((await config.reload()).applied).toEqual([{ path: 'worker.concurrency', from: 5, to: undefined }])
    expect(told).toHaveLength(1)
  })

  it('changes nothing when the file has a mistake', async () => {
    writeFileSync(file, 'worker: {concurrency: 2}\n')
    const config = await live()
    writeFileSync(file, 'worker: {concurrency: 5, drain: soon}\n')
    await expect(config.reload()).rejects.toThrow(/worker.drain/)
    expect(config.current.worker.concurrency).toBe(2)
    rmSync(file)
    await expect(config.reload()).rejects.toThrow(/ENOENT/)
    expect(config.current.worker.concurrency).toBe(2)
  })

  it('keeps to the precedence: what a variable says no file changes', async () => {
    writeFileSync(file, 'worker: {concurrency: 2}\n')
    const config = await live({ PERDURE_WORKER_CONCURRENCY: '7' })
    writeFileSync(file, 'worker: {concurrency: 5}\n')
    expect(await config.reload()).toEqual({ applied: [], waiting: [] })
    expect(config.current.worker.concurrency).toBe(7)
  })

  it('comes by itself when the file is written, or replaced', async () => {
    writeFileSync(file, 'worker: {concurrency: 2}\n')
    const config = await live()
    const errors: unknown[] = []
    const stop = config.watch((error) => errors.push(error))
    const changed = () => new Promise<void>((resolve) => void config.onChange(() => resolve()))
    try {
      const written = changed()
      writeFileSync(file, 'worker: {concurrency: 33}\n')
      await written
      expect(config.current.worker.concurrency).toBe(33)
      const replaced = changed()
      writeFileSync(`${file}.new`, 'worker: {concurrency: 444}\n')
      renameSync(`${file}.new`, file)
      await replaced
      expect(config.current.worker.concurrency).toBe(444)
      expect(errors).toEqual([])
    } finally {
      stop()
    }
  })
})
