/** `close` in every state: it ends soon, and leaves behind what it could not say at most. */
import type { RoleScheduler } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { Crew } from './crew.ts'
import { etcdUrl, keysOf } from './etcd.ts'
import { Proxy } from './proxy.ts'

const roles = (count: number): readonly string[] => Array.from({ length: count }, (_, slot) => `orders/${slot}`)

async function secondsToClose(scheduler: RoleScheduler): Promise<number> {
  const since = performance.now()
  await scheduler.close()
  return (performance.now() - since) / 1_000
}

describe.skipIf(etcdUrl === undefined)('a scheduler is closed', { timeout: 40_000 }, () => {
  const url = etcdUrl ?? ''

  test.concurrent.each([0, 1, 99, 250])('while it takes roles, of which %i are in hand: nothing is left of it', async (count) => {
    await using crew = new Crew({ endpoints: url })
    const scheduler = crew.open('a')
    await new Promise<void>((resolve) => {
      let held = 0
      if (count === 0) resolve()
      for (const role of roles(300)) crew.ask(scheduler, role).then(() => ++held === count && resolve(), resolve)
    })
    await scheduler.close()
    expect((await keysOf(url, crew.prefix)).filter((key) => !key.endsWith('//domain'))).toEqual([])
  })

  test.concurrent('while it holds many roles, and etcd does not answer', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    const scheduler = crew.open('a', { endpoints: proxy.url, lease: '60s', requestTimeout: '1s' })
    await Promise.all(roles(1_000).map((role) => crew.ask(scheduler, role)))
    proxy.freezeAll()
    // Ten batches, each tried twice, would take twenty.
    expect(await secondsToClose(scheduler)).toBeLessThan(10)
    await proxy.close()
  })

  test.concurrent('while it joins, and its watch shows nothing', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    proxy.silenceWatchesToCome()
    const scheduler = crew.open('a', { endpoints: proxy.url, connectTimeout: '60s', lease: '60s' })
    const waiting = crew.ask(scheduler, 'orders/0')
    await expect.poll(() => keysOf(url, crew.prefix), { timeout: 10_000 }).toContainEqual(expect.stringContaining('//member/'))
    expect(await secondsToClose(scheduler)).toBeLessThan(10)
    await expect(waiting).rejects.toMatchObject({ code: 'Stopped' })
    expect(await keysOf(url, crew.prefix)).toEqual([`${crew.prefix}//domain`])
    await proxy.close()
  })

  test.concurrent('while it joins, between what it has written and the answer, and its watch shows nothing', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    proxy.silenceWatchesToCome()
    const scheduler = crew.open('a', { endpoints: proxy.url, connectTimeout: '60s', lease: '60s' })
    const closing = new Promise<number>((resolve) => {
      proxy.whenWritten(`${crew.prefix}//member/`, () => resolve(secondsToClose(scheduler)))
    })
    await expect(crew.ask(scheduler, 'orders/0')).rejects.toMatchObject({ code: 'Stopped' })
    expect(await closing).toBeLessThan(10)
    expect(await keysOf(url, crew.prefix)).toEqual([`${crew.prefix}//domain`])
    await proxy.close()
  })

  test.concurrent('while it joins, and etcd does not answer', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    proxy.freezeAll()
    const scheduler = crew.open('a', { endpoints: proxy.url, connectTimeout: '60s', requestTimeout: '500ms' })
    const waiting = crew.ask(scheduler, 'orders/0')
    expect(await secondsToClose(scheduler)).toBeLessThan(10)
    await expect(waiting).rejects.toMatchObject({ code: 'Stopped' })
    await proxy.close()
  })

  test.concurrent('while a role is being given back whose answer was lost: the next holder learns of no death', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    const scheduler = crew.open('a', { endpoints: proxy.url, lease: '20s', requestTimeout: '500ms' })
    const lease = await crew.ask(scheduler, 'orders/0')
    proxy.freezeAll()
    // Twice without an answer: it is owed.
    await lease.release()
    proxy.thaw()
    await scheduler.close()
    expect((await crew.ask(crew.open('b'), 'orders/0')).unclean).toBe(false)
    await proxy.close()
  })
})
