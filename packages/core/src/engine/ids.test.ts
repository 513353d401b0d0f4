import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { Ids } from './ids.ts'

test('run ids are unique UUIDs of version 7 that grow, in one millisecond and when the clock goes back', () => {
  const clock = new ManualClock()
  let at = Date.UTC(2026, 0, 1)
  const ids = new Ids(
    { now: () => at, monotonic: clock.monotonic, setTimer: clock.setTimer, setImmediate: clock.setImmediate },
    Math.random,
  )
  const made: string[] = []
  for (let i = 0; i < 5_000; i++) {
    if (i === 2_000) at += 7
    if (i === 4_000) at -= 60_000
    made.push(ids.run())
  }
  expect(new Set(made).size).toBe(5_000)
  expect(made.toSorted()).toEqual(made)
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number.parseInt((made[0] ?? '').replaceAll('-', '').slice(0, 12), 16)).toBe(Date.UTC(2026, 0, 1))
})

test('unit ids differ between processes that start in the same millisecond', () => {
  const clock = new ManualClock()
  const [one, other] = [new Ids(clock, Math.random), new Ids(clock, Math.random)]
  expect(new Set([one.unit(), one.unit(), other.unit(), other.unit()]).size).toBe(4)
})

test('derived ids follow from their parts alone, and from where one part ends', () => {
  expect(Ids.derived('a', 'b')).toBe(Ids.derived('a', 'b'))
  expect(Ids.derived('a', 'b')).not.toBe(Ids.derived('ab', ''))
  expect(Ids.derived('a', 'b')).not.toBe(Ids.derived('b', 'a'))
  expect(Ids.derived('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})
