import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { abortable, sleep, Wake } from './waiting.ts'

test('a sleep ends in time, or with its signal, and leaves no timer behind', async () => {
  const clock = new ManualClock()
  const slept = sleep(clock, 1_000)
  await clock.advance(1_000)
  await slept
  const abort = new AbortController()
  const aborted = sleep(clock, 1_000, abort.signal)
  abort.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await expect(sleep(clock, 1_000, abort.signal)).rejects.toThrow('enough')
  expect(clock.pending).toBe(0)
})

test('a wake-up is remembered until somebody waits, and ends one wait', async () => {
  const clock = new ManualClock()
  const wake = new Wake()
  const { signal } = new AbortController()
  wake.set()
  await wake.wait(clock, 1_000, signal)
  let woken = false
  const waiting = wake.wait(clock, 1_000, signal).then(() => {
    woken = true
  })
  await clock.advance(999)
  expect(woken).toBe(false)
  await clock.advance(1)
  await waiting
  const other = wake.wait(clock, Infinity, signal)
  wake.set()
  await other
  expect(clock.pending).toBe(0)
})

test('waiting for work ends with the signal, or with the work', async () => {
  const abort = new AbortController()
  const waiting = abortable(new Promise(() => undefined), abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(await abortable(Promise.resolve(7), new AbortController().signal)).toBe(7)
})
