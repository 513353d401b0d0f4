import { describe, expect, test } from 'vitest'
import { isWorkflowError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import { memory, memoryDatabase, memoryRoleScheduler } from './index.ts'

/** A clock that is moved by hand; timers fire in order. */
class ManualClock implements Clock {
  ms = 0
  readonly timers = new Map<() => void, number>()
  readonly now = (): number => this.ms
  readonly monotonic = (): number => this.ms
  readonly setTimer = (afterMs: number, callback: () => void): Disposable => {
    this.timers.set(callback, this.ms + afterMs)
    return { [Symbol.dispose]: () => this.timers.delete(callback) }
  }
  readonly setImmediate = (callback: () => void): Disposable => this.setTimer(0, callback)

  async pass(ms: number): Promise<void> {
    const end = this.ms + ms
    for (;;) {
      const [next] = [...this.timers].filter(([, due]) => due <= end).sort(([, a], [, b]) => a - b)
      if (next === undefined) break
      this.ms = Math.max(this.ms, next[1])
      this.timers.delete(next[0])
      next[0]()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.ms = end
  }
}
const { signal } = new AbortController()

describe('memoryRoleScheduler', () => {
  test('leaves the roles of a killed instance alone until their lease ends, then gives them on as unclean', async () => {
    const clock = new ManualClock()
    const database = memoryDatabase()
    const dying = memory({ database, clock, instance: 'a', leaseDuration: '3s' })
    const other = memoryRoleScheduler({ database, clock, instance: 'b', leaseDuration: '3s' })
    const lost = await dying.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })
    dying.kill()
    const waiting = other.awaitRole('orders/0', { signal, generation: 0 })
    await clock.pass(2_900)
    expect([...(await other.holders(['orders/0'])).values()].map((holder) => holder.instance)).toEqual(['a'])
    await clock.pass(1_200)
    const lease = await waiting
    expect([lease.unclean, lease.fence.token > lost.fence.token, lost.isValid()]).toEqual([true, true, false])
    await lease.release()
    const again = await other.awaitRole('orders/0', { signal, generation: 0 })
    expect(again.unclean).toBe(false)
  })

  test('keeps time only while there is something to hold or to wait for', async () => {
    const clock = new ManualClock()
    const scheduler = memoryRoleScheduler({ clock })
    expect(clock.timers.size).toBe(0)
    const leases = await Promise.all(['a', 'b', 'c'].map((role) => scheduler.awaitRole(role, { signal, generation: 0 })))
    expect(clock.timers.size).toBe(1)
    await clock.pass(60_000)
    expect(leases.map((lease) => lease.isValid())).toEqual([true, true, true])
    for (const lease of leases) await lease.release()
    await clock.pass(5_000)
    expect(clock.timers.size).toBe(0)
  })

  test('finds out at its next renewal that a role was stolen', async () => {
    const clock = new ManualClock()
    const database = memoryDatabase()
    const [one, other] = [memoryRoleScheduler({ database, clock }), memoryRoleScheduler({ database, clock })]
    const lease = await one.awaitRole('orders/0', { signal, generation: 0 })
    database.roles.steal('orders/0')
    expect((await other.awaitRole('orders/0', { signal, generation: 0 })).unclean).toBe(true)
    await clock.pass(1_000)
    expect([lease.signal.aborted, lease.isValid()]).toEqual([true, false])
  })

  test('gives newer code every role that it waits for', async () => {
    const database = memoryDatabase()
    const clock = new ManualClock()
    const [old, fresh] = [memoryRoleScheduler({ database, clock }), memoryRoleScheduler({ database, clock })]
    const roles = ['a', 'b', 'c', 'd']
    const held = await Promise.all(roles.map((role) => old.awaitRole(role, { signal, generation: 1 })))
    const wanted = roles.map((role) => fresh.awaitRole(role, { signal, generation: 2 }))
    await Promise.resolve()
    expect(held.map((lease) => lease.yield.aborted)).toEqual([true, true, true, true])
    for (const lease of held) await lease.release()
    expect(await Promise.all(wanted)).toHaveLength(4)
  })

  test('moves nothing while one has just one role more than another', async () => {
    const database = memoryDatabase()
    const clock = new ManualClock()
    const [one, other] = [memoryRoleScheduler({ database, clock }), memoryRoleScheduler({ database, clock })]
    const lease = await one.awaitRole('a', { signal, generation: 0 })
    const patience = new AbortController()
    const waiting = other.awaitRole('a', { signal: patience.signal, generation: 0 })
    await Promise.resolve()
    expect(lease.yield.aborted).toBe(false)
    patience.abort(new Error('had enough'))
    await expect(waiting).rejects.toThrow('had enough')
  })

  test('levels a thousand roles in one go when a second instance joins', async () => {
    const database = memoryDatabase()
    const clock = new ManualClock()
    const roles = Array.from({ length: 1_000 }, (_, role) => `orders/${role}`)
    const [one, other] = [memoryRoleScheduler({ database, clock }), memoryRoleScheduler({ database, clock })]
    const held = await Promise.all(roles.map((role) => one.awaitRole(role, { signal, generation: 0 })))
    const joined = roles.map((role) => other.awaitRole(role, { signal, generation: 0 }).catch((error: unknown) => error))
    await Promise.resolve()
    const yielded = held.filter((lease) => lease.yield.aborted)
    expect(yielded).toHaveLength(500)
    for (const lease of yielded) await lease.release()
    await new Promise((resolve) => setImmediate(resolve))
    expect([...(await one.holders(roles)).values()].filter((holder) => holder.instance === other.instance)).toHaveLength(500)
    await other.close()
    expect((await Promise.all(joined)).filter((result) => isWorkflowError(result, 'Stopped'))).toHaveLength(500)
  })

  test('refuses a lease that is too short and a generation that is none', async () => {
    expect(() => memoryRoleScheduler({ leaseDuration: '1ms' })).toThrow(
      expect.toSatisfy((error) => isWorkflowError(error, 'Configuration')),
    )
    await expect(memoryRoleScheduler().awaitRole('r', { signal, generation: -1 })).rejects.toSatisfy((error) =>
      isWorkflowError(error, 'InvalidArgument'),
    )
  })
})
