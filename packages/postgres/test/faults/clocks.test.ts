/** Instances whose clocks differ by hours, and jump. Leases are judged by the clock of the database, timers by the wall. */
import { type Clock, systemClock } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { freshSchema, newest } from '../database.ts'
import { astray, atWork, leave } from './errands.ts'

const hourMs = 3_600_000

interface SettableClock extends Clock {
  wallOffsetMs: number
  monotonicOffsetMs: number
}

function settableClock(wallOffsetMs: number): SettableClock {
  const clock: SettableClock = {
    ...systemClock,
    wallOffsetMs,
    monotonicOffsetMs: 0,
    now: () => systemClock.now() + clock.wallOffsetMs,
    monotonic: () => systemClock.monotonic() + clock.monotonicOffsetMs,
  }
  return clock
}

describe.skipIf(newest === undefined)('instances', () => {
  test('whose clocks are hours apart and jump share the work, and each transition happens once', { timeout: 120_000 }, async () => {
    await using place = freshSchema()
    const [early, late] = [settableClock(-hourMs), settableClock(hourMs)]
    const one = await atWork(place.open({ clock: early }), { clock: early })
    const other = await atWork(place.open({ clock: late }), { clock: late })
    const runIds = [...(await leave(one, 'apart', 50))]
    for (const [n, jump] of [
      () => (early.wallOffsetMs += 2 * hourMs),
      () => (late.wallOffsetMs -= 3 * hourMs),
      // As a machine that was asleep: by its own clock every lease has run out.
      () => (late.monotonicOffsetMs += hourMs),
      () => {
        early.wallOffsetMs -= hourMs
        early.monotonicOffsetMs += hourMs
      },
    ].entries()) {
      const leaving = leave(n % 2 === 0 ? other : one, `jump ${n}`, 50)
      jump()
      runIds.push(...(await leaving))
    }
    expect(await astray(one, runIds, '60s')).toEqual([])
    await one.stop({ timeout: '0ms' })
    await other.stop({ timeout: '0ms' })
  })

  test('that believe an hour has passed give their roles up, and nobody else is taken for dead', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const jumping = settableClock(0)
    const [one, other] = [place.open({ clock: jumping, lease: '1s' }), place.open({ lease: '1s' })]
    const { signal } = new AbortController()
    const mine = await one.roleScheduler.awaitRole('mine', { signal, generation: 0 })
    const theirs = await other.roleScheduler.awaitRole('theirs', { signal, generation: 0 })
    jumping.wallOffsetMs += hourMs
    expect([mine.isValid(), theirs.isValid()]).toEqual([false, true])
    const again = await one.roleScheduler.awaitRole('mine', { signal, generation: 0 })
    expect(again.fence.token).toBeGreaterThan(mine.fence.token)
    expect([again.isValid(), theirs.isValid()]).toEqual([true, true])
    await again.release()
  })
})
