import { expect, test } from 'vitest'
import { Tally } from './tally.ts'

test('a run whose three steps were called once each is without fault', () => {
  const tally = new Tally()
  for (const n of tally.take(2_000)) {
    for (const step of [0, 1, 2]) tally.stepped(n, step)
    tally.completed(n)
  }
  expect(tally.total).toBe(2_000)
  expect(tally.faults()).toEqual({ missed: 0, repeated: 0 })
})

test('a step that was never called is missed, and one that was called again is repeated', () => {
  const tally = new Tally()
  tally.take(1)
  tally.stepped(0, 0)
  tally.stepped(0, 2)
  tally.stepped(0, 2)
  tally.stepped(0, 2)
  expect(tally.faults()).toEqual({ missed: 1, repeated: 2 })
})

test('a run is told to whoever waits for it, once', () => {
  const tally = new Tally()
  let told = 0
  const [n = -1] = tally.take(1)
  tally.onCompleted(n, () => told++)
  tally.completed(n)
  tally.completed(n)
  expect(told).toBe(1)
})

test('the first failure is the one that counts', () => {
  const tally = new Tally()
  tally.failed(new Error('first'))
  tally.failed(new Error('second'))
  expect(tally.error).toEqual(new Error('first'))
})
