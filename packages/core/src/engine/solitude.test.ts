import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { Solitude, solitudeOf } from './solitude.ts'

test('who runs alone begins when nobody else runs, and nobody else begins before it ends', async () => {
  const clock = new ManualClock()
  const solitude = new Solitude()
  await solitude.enter()
  let alone = false
  const entering = solitude.enterAlone(clock, 1_000).then(() => {
    alone = true
  })
  await new Promise(setImmediate)
  expect([alone, solitude.tryEnter()]).toEqual([false, false])
  let other = false
  const waiting = solitude.enter().then(() => {
    other = true
  })
  solitude.leave()
  await entering
  await new Promise(setImmediate)
  expect([alone, other]).toEqual([true, false])
  solitude.leaveAlone()
  await waiting
  expect(solitude.tryEnter()).toBe(true)
})

test('two that want to be alone are so one after the other', async () => {
  const clock = new ManualClock()
  const solitude = new Solitude()
  await solitude.enterAlone(clock, 1_000)
  let second = false
  const waiting = solitude.enterAlone(clock, 1_000).then(() => {
    second = true
  })
  await new Promise(setImmediate)
  expect(second).toBe(false)
  solitude.leaveAlone()
  await waiting
})

test('who cannot be alone in time is told so, and bars nobody any more', async () => {
  const clock = new ManualClock()
  const solitude = new Solitude()
  await solitude.enter()
  const entering = solitude.enterAlone(clock, 1_000)
  await clock.advance(1_000)
  expect(await entering).toBe(false)
  expect(solitude.tryEnter()).toBe(true)
  expect(clock.pending).toBe(0)
})

test('it is shared by all that use a store', () => {
  const store = {}
  expect(solitudeOf(store)).toBe(solitudeOf(store))
  expect(solitudeOf(store)).not.toBe(solitudeOf({}))
})
