import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import type { RunRecord } from '../model/run-record.ts'
import { HandOffCache } from './hand-off-cache.ts'

/** What the cache looks at of a record. */
const record = (runId: string, version: number): RunRecord => ({ runId, version, runState: 'Running' }) as RunRecord

test('it gives back the newest version, and works from exactly that for a second only', async () => {
  const clock = new ManualClock()
  const cache = new HandOffCache(clock)
  cache.put(record('a', 5), clock.monotonic())
  cache.put(record('a', 6), clock.monotonic())
  expect([cache.newestVersion('a'), cache.fresh('a', 5), cache.fresh('a', 6)?.version, cache.newestVersion('b')]).toEqual([
    6,
    undefined,
    6,
    0,
  ])
  await clock.advance(1_000)
  expect([cache.newestVersion('a'), cache.fresh('a', 6)]).toEqual([6, undefined])
})

test('it forgets within five seconds, whether it is asked meanwhile or not', async () => {
  for (const step of [5_000, 500, 2_499]) {
    const clock = new ManualClock()
    const cache = new HandOffCache(clock)
    cache.put(record('a', 5), clock.monotonic())
    for (let at = 0; at < 5_000; at += step) {
      await clock.advance(step)
      if (step < 5_000) cache.put(record(`other ${at}`, 1), clock.monotonic())
    }
    await clock.advance(1)
    expect(cache.newestVersion('a'), `step ${step}`).toBe(0)
  }
})

const sentAt = new ManualClock().monotonic()

test('it forgets a run, or all, when it is told', () => {
  const cache = new HandOffCache(new ManualClock())
  for (const runId of ['a', 'b', 'c']) cache.put(record(runId, 1), sentAt)
  cache.forget(record('a', 1))
  expect([cache.newestVersion('a'), cache.newestVersion('b')]).toEqual([0, 1])
  cache.clear()
  expect([cache.newestVersion('b'), cache.newestVersion('c')]).toEqual([0, 0])
})

test('it is bounded, however many runs come at once', () => {
  const cache = new HandOffCache(new ManualClock())
  for (let i = 0; i < 100_000; i++) cache.put(record(`run ${i}`, 1), sentAt)
  let kept = 0
  for (let i = 0; i < 100_000; i++) kept += cache.newestVersion(`run ${i}`)
  expect(kept).toBeLessThanOrEqual(2 * 16_384 + 1)
  expect(cache.newestVersion('run 99999')).toBe(1)
})

test('an answer that comes late brings back neither an older version nor what was forgotten', () => {
  const cache = new HandOffCache(new ManualClock())
  const late = record('a', 1)
  cache.put(record('a', 2), sentAt)
  cache.put(late, sentAt)
  expect([cache.newestVersion('a'), cache.isOutdated(late, sentAt)]).toEqual([2, true])
  const noted = record('b', 1)
  cache.forget(noted)
  cache.put(noted, sentAt)
  expect([cache.fresh('b', 1), cache.newestVersion('b'), cache.isOutdated(noted, sentAt)]).toEqual([undefined, 0, true])
  const cleared = record('c', 1)
  cache.forget(cleared)
  cache.clear()
  cache.put(cleared, sentAt)
  expect([cache.fresh('c', 1), cache.isOutdated(cleared, sentAt)]).toEqual([undefined, true])
  const next = record('c', 2)
  cache.put(next, sentAt)
  expect([cache.fresh('c', 2), cache.isOutdated(next, sentAt)]).toEqual([next, false])
})

test('it works from nothing whose commit was sent before the slot came, however late the answer', async () => {
  const clock = new ManualClock()
  const cache = new HandOffCache(clock)
  const before = clock.monotonic()
  await clock.advance(10)
  const since = clock.monotonic()
  await clock.advance(10)
  cache.put(record('a', 1), before)
  cache.put(record('b', 1), clock.monotonic())
  expect([cache.fresh('a', 1, since), cache.fresh('b', 1, since)?.version, cache.newestVersion('a')]).toEqual([undefined, 1, 1])
})

test('an answer that was longer on its way than the cache remembers is not worked from', async () => {
  const clock = new ManualClock()
  const cache = new HandOffCache(clock)
  const asked = clock.monotonic()
  const late = record('a', 1)
  cache.forget(late)
  for (const pass of [999, 1, 5_000, 10_000]) {
    await clock.advance(pass)
    expect(cache.isOutdated(late, asked), `after ${pass} ms more`).toBe(true)
    expect(cache.isOutdated(record('b', 1), asked), `after ${pass} ms more, of a run nobody has touched`).toBe(pass !== 999)
  }
})

test('the newest of a run is what was sent since, unless somebody has moved it on', async () => {
  const clock = new ManualClock()
  const cache = new HandOffCache(clock)
  const since = clock.monotonic()
  cache.put(record('early', 1), since)
  await clock.advance(10)
  for (const runId of ['a', 'b', 'c']) cache.put(record(runId, 2), clock.monotonic())
  cache.moved('a', 2)
  cache.moved('b', 3)
  cache.moved('unknown', 3)
  expect(['early', 'a', 'b', 'c', 'unknown'].map((runId) => cache.newest(runId, since)?.version)).toEqual([
    undefined,
    2,
    undefined,
    2,
    undefined,
  ])
  await clock.advance(1_000)
  expect(cache.newest('a', since)).toBeUndefined()
})
