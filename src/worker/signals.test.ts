import { describe, expect, it } from 'vitest'
import { drainOnSignals } from './signals.ts'
import { startWorker } from './testdata/fake-session.ts'
import { settle } from './testdata/test-time.ts'

// handed to the listeners directly: a real signal would reach the runner of the tests as well
const signal = () => process.emit('SIGUSR2', 'SIGUSR2')

describe('drainOnSignals', () => {
  it('drains at the first signal, forces at the second, and leaves no listener', async () => {
    const { worker, session, time } = startWorker(() => new Promise(() => {}))
    const actions: string[] = []
    drainOnSignals(worker, {
      signals: ['SIGUSR2'],
      onSignal: (name, action) => actions.push(`${name} ${action}`),
    })
    session.offer(1, { graceMs: 60_000 })
    await settle()
    signal()
    expect(worker.state).toBe('draining')
    await time.advance(5_000)
    signal()
    expect(process.listenerCount('SIGUSR2')).toBe(0)
    await time.advance(1_000)
    await worker.stop()
    expect(actions).toEqual(['SIGUSR2 drain', 'SIGUSR2 force'])
    expect(session.ended.get('t1')).toEqual({ type: 'released' })
  })

  it('goes with its worker, or when it is told to', async () => {
    const { worker } = startWorker(() => ({ type: 'released' }))
    const remove = drainOnSignals(worker, { signals: ['SIGUSR2'] })
    expect(process.listenerCount('SIGUSR2')).toBe(1)
    remove()
    expect(process.listenerCount('SIGUSR2')).toBe(0)
    drainOnSignals(worker, { signals: ['SIGUSR2'] })
    await worker.stop()
    expect(process.listenerCount('SIGUSR2')).toBe(0)
  })
})
