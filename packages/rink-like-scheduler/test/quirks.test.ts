/** What is peculiar to etcd, on a server that works. */
import { type Clock, InvalidArgument, Stopped, systemClock } from '@workflow/core/adapter'
import { describe, expect, test, vi } from 'vitest'
import { rinkLikeScheduler } from '../src/index.ts'
import { aborted, Crew } from './crew.ts'
import { etcdCall, deleteKey, etcdUrl, keysOf, leasesOf, putKey, valueOf } from './etcd.ts'
import { Proxy } from './proxy.ts'

const roles = (count: number): readonly string[] => Array.from({ length: count }, (_, slot) => `orders/${slot}`)

describe.skipIf(etcdUrl === undefined)('on etcd', { timeout: 30_000 }, () => {
  const url = etcdUrl ?? ''

  test.concurrent('a member has one lease, however many roles it holds, and leaves nothing behind but the domain', async () => {
    await using crew = new Crew({ endpoints: url })
    const scheduler = crew.open('a')
    await Promise.all(roles(300).map((role) => crew.ask(scheduler, role)))
    const keys = await keysOf(url, crew.prefix)
    expect(keys.filter((key) => key.includes('//role/'))).toHaveLength(300)
    // One member, one want list, one plan, the domain: whatever the number of roles.
    expect(keys.filter((key) => !key.includes('//role/'))).toHaveLength(4)
    expect(await leasesOf(url, crew.prefix)).toHaveLength(1)
    await scheduler.close()
    expect(await keysOf(url, crew.prefix)).toEqual([`${crew.prefix}//domain`])
  })

  test.concurrent('the token of a role is a revision of etcd, and the domain names store and cluster', async () => {
    await using crew = new Crew({ endpoints: url })
    const [a, b] = [crew.open('a'), crew.open('b')]
    const first = await crew.ask(a, 'orders/0')
    await first.release()
    const second = await crew.ask(b, 'orders/0')
    const { header } = (await etcdCall(url, '/v3/kv/range', { key: 'AA==' })) as { header: { revision: string; cluster_id: string } }
    expect(second.fence.token).toBeGreaterThan(first.fence.token)
    expect(second.fence.token).toBeLessThanOrEqual(BigInt(header.revision))
    expect(second.fence.domain).toBe(first.fence.domain)
    expect(second.fence.domain).toMatch(new RegExp(`^[0-9a-f-]{36}@${header.cluster_id}$`))
  })

  test.concurrent('tenants do not see each other, also where the prefix of one is within that of another', async () => {
    await using crew = new Crew({ endpoints: url })
    const [outer, inner] = [crew.open('a'), crew.open('a', { prefix: `${crew.prefix}/role` })]
    const leases = await Promise.all([crew.ask(outer, 'role/x'), crew.ask(inner, 'x'), crew.ask(inner, 'role/x')])
    expect(new Set(leases.map(({ fence }) => fence.domain)).size).toBe(2)
    await leases[0]?.release()
    expect([(await outer.holders(['x', 'role/x', 'role/role/x'])).size, (await inner.holders(['x', 'role/x'])).size]).toEqual([0, 2])
  })

  test.concurrent('roles of many workflows with long names are spread as well', async ({ expect }) => {
    await using crew = new Crew({ endpoints: url })
    const [a, b] = [crew.open('a'), crew.open('b')]
    const names = Array.from({ length: 300 }, (_, index) => `${'wörk%'.repeat(400)}${index}`)
    const held = new Map<string, string>()
    const work = async (scheduler: typeof a, role: string): Promise<void> => {
      for (;;) {
        const lease = await crew.ask(scheduler, role)
        expect(held.has(role)).toBe(false)
        held.set(role, scheduler.instance)
        await aborted(lease.yield)
        held.delete(role)
        await lease.release()
      }
    }
    for (const scheduler of [a, b]) for (const role of names) work(scheduler, role).catch(() => undefined)
    const count = (instance: string): number => [...held.values()].filter((one) => one === instance).length
    await expect.poll(() => [count('a'), count('b')], { timeout: 20_000 }).toEqual([150, 150])
    expect((await a.holders(names)).size).toBe(300)
  })

  test.concurrent('roles with the longest names are taken, as many at once as others', async () => {
    await using crew = new Crew({ endpoints: url })
    const scheduler = crew.open('a')
    const names = Array.from({ length: 120 }, (_, index) => `${index}`.padStart(4, '0').padEnd(4_096 - 2 * 2_000, 'x') + 'ö'.repeat(2_000))
    const leases = await Promise.all(names.map((role) => crew.ask(scheduler, role)))
    expect(leases.filter((lease) => !lease.isValid())).toEqual([])
  })

  test.concurrent('a name that cannot be a role is refused before anything is sent', async () => {
    await using crew = new Crew({ endpoints: 'http://127.0.0.1:1' })
    const scheduler = crew.open('a')
    const { signal } = new AbortController()
    for (const role of ['', '\ud800', 'x'.repeat(4_097), 'ö'.repeat(2_049)])
      await expect(scheduler.awaitRole(role, { signal, generation: 0 })).rejects.toThrow(InvalidArgument)
    for (const generation of [-1, 0.5])
      await expect(scheduler.awaitRole('a', { signal, generation })).rejects.toThrow('a generation of 0 or more')
  })

  test.concurrent('after close everything is Stopped', async () => {
    const scheduler = rinkLikeScheduler({ endpoints: url, prefix: 'test/never' })
    await scheduler.close()
    await expect(scheduler.holders(['a'])).rejects.toThrow(Stopped)
    await expect(scheduler.awaitRole('a', { signal: new AbortController().signal, generation: 0 })).rejects.toThrow('has been closed')
    expect(await keysOf(url, 'test/never')).toEqual([])
  })

  test.concurrent('a domain that somebody replaces ends all leases, and they come back in the new one', async () => {
    await using crew = new Crew({ endpoints: url })
    const scheduler = crew.open('a')
    const lease = await crew.ask(scheduler, 'orders/0')
    await deleteKey(url, `${crew.prefix}//domain`)
    await aborted(lease.signal)
    expect(lease.signal.reason).toMatchObject({ code: 'LeaseLost', message: expect.stringContaining('etcd is not the store that it was') })
    const next = await crew.ask(scheduler, 'orders/0')
    expect(next.fence.domain).not.toBe(lease.fence.domain)
    expect(next.unclean).toBe(false)
  })

  test.concurrent('a lease that an operator revokes ends at once, and its instance joins again', async () => {
    await using crew = new Crew({ endpoints: url })
    const scheduler = crew.open('a')
    const lease = await crew.ask(scheduler, 'orders/0')
    const [member] = (await keysOf(url, crew.prefix)).filter((key) => key.includes('//member/'))
    await deleteKey(url, member ?? '')
    await aborted(lease.signal)
    expect(lease.signal.reason).toMatchObject({ code: 'LeaseLost', message: 'etcd has ended the lease of instance "a"' })
    const next = await crew.ask(scheduler, 'orders/0')
    expect([next.isValid(), next.unclean]).toEqual([true, false])
  })

  test.concurrent.each(['want', 'plan'])('a %s that was sent before, and is done late, does not stand', async (kind) => {
    await using crew = new Crew({ endpoints: url })
    const scheduler = crew.open('a')
    const lease = await crew.ask(scheduler, 'orders/0')
    const [key = ''] = (await keysOf(url, crew.prefix)).filter((name) => name.includes(`//${kind}/`))
    const text = await valueOf(url, key)
    expect(text).toContain('orders/')
    // More than once: the first may meet something that would have been written anyway.
    for (let times = 0; times < 4; times++) {
      await putKey(url, key, '[]')
      await vi.waitFor(async () => expect(await valueOf(url, key)).toBe(text), { timeout: 15_000 })
    }
    expect([lease.isValid(), lease.yield.aborted]).toEqual([true, false])
  })

  test.concurrent('keys of a later version below the prefix are let be', async () => {
    await using crew = new Crew({ endpoints: url })
    const scheduler = crew.open('a')
    await crew.ask(scheduler, 'orders/0')
    await putKey(url, `${crew.prefix}//notes`, 'not JSON')
    expect((await crew.ask(scheduler, 'orders/1')).isValid()).toBe(true)
  })

  test.concurrent('a connection that is cut again and again costs no role', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    const scheduler = crew.open('a', { endpoints: proxy.url })
    const leases = await Promise.all(roles(20).map((role) => crew.ask(scheduler, role)))
    for (let times = 0; times < 10; times++) {
      proxy.cut()
      await leases[times]?.release()
      leases[times] = await crew.ask(scheduler, `orders/${times}`)
    }
    expect(leases.filter((lease) => !lease.isValid())).toEqual([])
    await scheduler.close()
    await proxy.close()
  })

  test.concurrent('a connection that goes silent loses the roles before anybody else has them', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    const [a, b] = [crew.open('a', { endpoints: proxy.url, lease: '1s', requestTimeout: '500ms' }), crew.open('b')]
    const lease = await crew.ask(a, 'orders/0')
    const waiting = crew.ask(b, 'orders/0')
    proxy.freezeAll()
    const [lostAt, next] = await Promise.all([
      aborted(lease.signal).then(() => performance.now()),
      waiting.then((one) => ({ one, at: performance.now() })),
    ])
    expect(lostAt).toBeLessThan(next.at)
    expect(lease.signal.reason).toMatchObject({ code: 'LeaseLost', message: 'instance "a" could not renew its lease in time' })
    expect(next.one.unclean).toBe(true)
    await proxy.close()
  })

  test.concurrent('a watch that goes silent, while all else works, is noticed after a while', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    let offset = 0
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + offset }
    const [a, b] = [crew.open('a'), crew.open('b', { endpoints: proxy.url, lease: '20s', clock })]
    const kept = await crew.ask(b, 'orders/1')
    const lease = await crew.ask(a, 'orders/0')
    const waiting = crew.ask(b, 'orders/0')
    proxy.silenceWatches()
    await lease.release()
    // As if ten seconds had passed: a lease of twenty lives on.
    offset = 10_000
    const next = await waiting
    expect([next.isValid(), kept.isValid()]).toEqual([true, true])
    await b.close()
    await proxy.close()
  })

  test.concurrent('a watch that says nothing since others write to etcd is let be, and nothing is read anew', async ({ expect }) => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    let offset = 0
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + offset }
    const scheduler = crew.open('a', { endpoints: proxy.url, lease: '20s', clock })
    await crew.ask(scheduler, 'orders/0')
    await putKey(url, `${crew.prefix}/others//role/orders/0`, 'of another tenant')
    const reads = proxy.requests('/v3/kv/range')
    offset = 10_000
    await expect.poll(() => proxy.requests('/v3/kv/range'), { timeout: 15_000 }).toBe(reads + 1)
    // It still hears of everything.
    await expect(crew.ask(scheduler, 'orders/1')).resolves.toMatchObject({ fence: { role: 'orders/1' } })
    expect([proxy.requests('/v3/watch'), proxy.requests('/v3/kv/range')]).toEqual([1, reads + 1])
    await scheduler.close()
    await proxy.close()
  })

  test.concurrent('a role that was taken by a claim whose answer was lost is held, or given back', async ({ expect }) => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    const scheduler = crew.open('a', { endpoints: proxy.url, lease: '3s', requestTimeout: '300ms' })
    const kept = await crew.ask(scheduler, 'orders/0')
    proxy.loseAnswersTo('role/orders/1')
    const lease = await crew.ask(scheduler, 'orders/1')
    expect([lease.isValid(), kept.isValid(), proxy.lost]).toEqual([true, true, 1])
    expect((await scheduler.holders(['orders/1'])).get('orders/1')?.instance).toBe('a')
    proxy.loseAnswersTo('role/orders/1')
    await lease.release()
    await expect.poll(async () => (await scheduler.holders(['orders/1'])).size, { timeout: 5_000 }).toBe(0)
    expect(proxy.lost).toBe(2)
    await scheduler.close()
    await proxy.close()
  })

  test.concurrent('a role that could not be given back is given back as soon as etcd can be reached', async () => {
    await using crew = new Crew({ endpoints: url, lease: '10s' })
    const proxy = await Proxy.to(url)
    const a = crew.open('a', { endpoints: proxy.url, requestTimeout: '200ms' })
    const lease = await crew.ask(a, 'orders/0')
    const waiting = crew.ask(crew.open('b'), 'orders/0')
    proxy.freezeAll()
    const since = performance.now()
    await lease.release()
    proxy.thaw()
    const next = await waiting
    expect(performance.now() - since).toBeLessThan(8_000)
    expect([next.unclean, next.isValid()]).toEqual([false, true])
    await a.close()
    await proxy.close()
  })

  test.concurrent('a dead instance is still known by a role that its heir gave back unseen', async () => {
    await using crew = new Crew({ endpoints: url })
    const proxy = await Proxy.to(url)
    const dying = crew.open('dying', { endpoints: proxy.url, lease: '1s' })
    await crew.ask(dying, 'orders/0')
    const way = await Proxy.to(url)
    const heir = crew.open('heir', { endpoints: way.url, lease: '3s', requestTimeout: '300ms' })
    const stop = new AbortController()
    const waiting = heir.awaitRole('orders/0', { signal: stop.signal, generation: 0 })
    waiting.catch(() => undefined)
    way.loseAnswersTo('role/orders/0', () => stop.abort(new Error('enough')))
    await proxy.close()
    await expect(waiting).rejects.toThrow('enough')
    const next = await crew.ask(crew.open('next'), 'orders/0')
    expect(next.unclean).toBe(true)
    await heir.close()
    await way.close()
  })
})
