import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { RoleLease } from '../ports/role-scheduler.ts'
import { HeldRole } from './held-role.ts'
import { WaitingRoles } from './waiting-roles.ts'

function leaseOf(role: string): RoleLease {
  const fence = { role, domain: 'd', token: 1n }
  return new HeldRole(
    fence,
    false,
    () => true,
    () => Promise.resolve(),
  )
}

/** Waiting roles, and what was told of them. */
function scene(): { readonly waiting: WaitingRoles; readonly told: string[] } {
  const told: string[] = []
  const waiting = new WaitingRoles({
    came: (role) => told.push(`${role} came`),
    gone: (role, wanted) => told.push(`${role} gone${wanted ? ', still wanted' : ''}`),
  })
  return { waiting, told }
}

describe('WaitingRoles', () => {
  test('hands a role to those who wait for it, in the order in which they came', async () => {
    const { waiting, told } = scene()
    const { signal } = new AbortController()
    const [first, second] = [waiting.wait('orders/0', 3, signal), waiting.wait('orders/0', 2, signal)]
    expect(told).toEqual(['orders/0 came', 'orders/0 came'])
    const [one, two] = [leaseOf('orders/0'), leaseOf('orders/0')]
    for (const [lease, generation] of [[one, 3] as const, [two, 2] as const]) {
      const taker = waiting.next('orders/0')
      expect(taker?.generation).toBe(generation)
      taker?.take(lease)
    }
    expect([await first, await second]).toEqual([one, two])
    expect([waiting.next('orders/0'), waiting.next('orders/1')]).toEqual([undefined, undefined])
    expect([waiting.size, waiting.has('orders/0'), told.length]).toEqual([0, false, 2])
  })

  test('says what is wanted, each role with the newest generation that waits for it', () => {
    const { waiting } = scene()
    const { signal } = new AbortController()
    for (const generation of [1, 4, 2]) void waiting.wait('orders/0', generation, signal)
    void waiting.wait('orders/1', 0, signal)
    expect([...waiting.wanted()]).toEqual([
      ['orders/0', 4],
      ['orders/1', 0],
    ])
    expect([waiting.size, waiting.has('orders/1'), waiting.has('orders/2')]).toEqual([2, true, false])
  })

  test('who aborts waits no longer, and the others go on', async () => {
    const { waiting, told } = scene()
    const [impatient, patient] = [new AbortController(), new AbortController()]
    const [first, second] = [waiting.wait('orders/0', 9, impatient.signal), waiting.wait('orders/0', 0, patient.signal)]
    impatient.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    expect(told.slice(2)).toEqual(['orders/0 gone, still wanted'])
    expect([...waiting.wanted()]).toEqual([['orders/0', 0]])
    patient.abort(new Error('enough, too'))
    await expect(second).rejects.toThrow('enough, too')
    expect(told.slice(3)).toEqual(['orders/0 gone'])
    expect([waiting.size, waiting.next('orders/0')]).toEqual([0, undefined])
  })

  test('a signal that was aborted before waits for nothing', async () => {
    const { waiting, told } = scene()
    await expect(waiting.wait('orders/0', 0, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    expect([waiting.size, told]).toEqual([0, []])
  })

  test('an abort after the turn has come takes nothing back', async () => {
    const { waiting, told } = scene()
    const stop = new AbortController()
    const lease = leaseOf('orders/0')
    const waited = waiting.wait('orders/0', 0, stop.signal)
    const taker = waiting.next('orders/0')
    stop.abort()
    taker?.take(lease)
    expect(await waited).toBe(lease)
    expect(told).toEqual(['orders/0 came'])
  })

  test('ends every wait at once, without a word', async () => {
    const { waiting, told } = scene()
    const stop = new AbortController()
    const waits = ['orders/0', 'orders/0', 'orders/1'].map((role) => waiting.wait(role, 0, stop.signal))
    waiting.rejectAll(new Error('closed'))
    expect((await Promise.allSettled(waits)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(waits[2]).rejects.toThrow('closed')
    stop.abort()
    expect([waiting.size, told.length]).toEqual([0, 3])
  })

  test('whoever is told may ask for more, and finds the change made', async () => {
    const seen: (number | undefined)[] = []
    const stop = new AbortController()
    const waiting: WaitingRoles = new WaitingRoles({
      came: (role) => seen.push(waiting.wanted().get(role)),
      gone: (role) => {
        seen.push(waiting.wanted().get(role))
        if (role === 'orders/0') void waiting.wait('orders/1', 5, new AbortController().signal)
      },
    })
    const waited = waiting.wait('orders/0', 7, stop.signal)
    stop.abort(new Error('enough'))
    await expect(waited).rejects.toThrow('enough')
    expect(seen).toEqual([7, undefined, 5])
    expect([...waiting.wanted().keys()]).toEqual(['orders/1'])
  })

  test('many that wait by one signal cost it one listener, and none when they have ended', async () => {
    const { waiting } = scene()
    const stop = new AbortController()
    const listeners = (): number => getEventListeners(stop.signal, 'abort').length
    const waits = Array.from({ length: 100 }, (_, slot) => waiting.wait(`orders/${slot}`, 0, stop.signal))
    expect(listeners()).toBe(1)
    for (let slot = 0; slot < 99; slot++) waiting.next(`orders/${slot}`)?.take(leaseOf(`orders/${slot}`))
    expect(listeners()).toBe(1)
    waiting.next('orders/99')?.take(leaseOf('orders/99'))
    expect(listeners()).toBe(0)
    await Promise.all(waits)
    const more = Array.from({ length: 100 }, (_, slot) => waiting.wait(`orders/${slot}`, 0, stop.signal))
    stop.abort(new Error('enough'))
    expect((await Promise.allSettled(more)).every(({ status }) => status === 'rejected')).toBe(true)
    expect([waiting.size, listeners()]).toEqual([0, 0])
  })
})
