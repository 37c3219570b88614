import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

describe('the bench as a program', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bench-test-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const data = (): string[] => {
    const path = join(directory, 'data')
    return existsSync(path) ? readdirSync(path) : []
  }

  /** Runs it; when `interrupt` is set, sends it SIGINT as soon as the first measurement has made its data. */
  function bench(arguments_: string[], interrupt = false): Promise<Ended> {
    return new Promise((resolve) => {
      const env = { ...process.env, PERDURE_BENCH_DIR: join(directory, 'data') }
      const child = spawn(process.execPath, [MAIN, ...arguments_], { env })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (data) => {
        stdout += data
      })
      child.stderr.on('data', (data) => {
        stderr += data
      })
      const timer = setInterval(() => {
        const measuring = interrupt && stderr.includes('fdatasync') && data().length > 0
        if (measuring) child.kill('SIGINT')
      }, 5)
      child.on('close', (code) => {
        clearInterval(timer)
        resolve({ code, stdout, stderr })
      })
    })
  }

  it('prints its help', async () => {
    const { code, stdout } = await bench(['--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('--no-peers')
  })

  it('ends with 1 and the known rows when one is unknown', async () => {
    const { code, stdout, stderr } = await bench(['--only', 'embedded.nope'])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('unknown row "embedded.nope"; known are:\n  embedded.e2e')
  })

  it('measures one row, prints it, writes it as JSON, and leaves no data', async () => {
    const json = join(directory, 'rows.json')
    const options = ['--quick', '--no-peers', '--only', 'embedded.enqueue.single.64', '--json', json]
    const { code, stdout } = await bench(options)
    expect(code).toBe(0)
    expect(stdout.split('\n')[2]).toMatch(/^embedded.enqueue.single.64 /)
    const rows = JSON.parse(readFileSync(json, 'utf8'))
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      id: 'embedded.enqueue.single.64',
      unit: 'jobs/s',
      peer: null,
      peerName: null,
    })
    expect(rows[0].floor).toBeGreaterThan(100)
    expect(data()).toEqual([])
  }, 60_000)

  it('leaves no data when it is interrupted', async () => {
    const options = ['--quick', '--no-peers', '--only', 'embedded.e2e,embedded.process']
    const { code, stdout } = await bench(options, true)
    expect(code).toBe(130)
    expect(stdout).toBe('')
    expect(data()).toEqual([])
  }, 60_000)
})
