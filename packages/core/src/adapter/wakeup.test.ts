import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../ports/clock.ts'
import { Wakeup } from './wakeup.ts'

/** A clock whose only timers fire by hand. */
function manualClock(): { clock: Clock; timers: Set<() => void> } {
  const timers = new Set<() => void>()
  const set = (callback: () => void): Disposable => {
    timers.add(callback)
    return { [Symbol.dispose]: () => timers.delete(callback) }
  }
  return { timers, clock: { now: () => 0, monotonic: () => 0, setTimer: (_, callback) => set(callback), setImmediate: set } }
}

describe('Wakeup', () => {
  test('wakes everybody who waits', async () => {
    const wakeup = new Wakeup()
    const { signal } = new AbortController()
    const waiting = [wakeup.wait(signal), wakeup.wait(signal)]
    wakeup.wake()
    await Promise.all(waiting)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('keeps one wake-up for the next who waits, and only one', async () => {
    const wakeup = new Wakeup()
    wakeup.wake()
    wakeup.wake()
    await wakeup.wait(new AbortController().signal)
    const abort = new AbortController()
    const second = wakeup.wait(abort.signal)
    abort.abort(new Error('nobody came'))
    await expect(second).rejects.toThrow('nobody came')
  })

  test('rejects with the reason of a signal that was aborted before, and keeps the wake-up', async () => {
    const wakeup = new Wakeup()
    wakeup.wake()
    await expect(wakeup.wait(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    await wakeup.wait(new AbortController().signal)
  })

  test('gives up after a while and leaves neither timer nor listener behind', async () => {
    const wakeup = new Wakeup()
    const { clock, timers } = manualClock()
    const { signal } = new AbortController()
    const waiting = wakeup.waitAtMost(signal, clock, 500)
    for (const fire of timers) fire()
    expect(await waiting).toBe(false)
    const woken = wakeup.waitAtMost(signal, clock, 500)
    wakeup.wake()
    expect(await woken).toBe(true)
    expect(timers.size).toBe(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})
