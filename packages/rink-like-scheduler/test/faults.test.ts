/** What goes wrong with etcd itself: members that are killed, paused, restored or emptied, and clusters without a quorum. */
import type { RoleLease } from '@workflow/core/adapter'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type EtcdServer, startEtcd, startEtcdCluster } from '../../../scripts/services/etcd-server.ts'
import { aborted, Crew } from './crew.ts'
import { binary, deleteKey, etcdCall, keysOf, versionOf } from './etcd.ts'

/** Servers of one test, gone when it ends. */
class Fleet implements AsyncDisposable {
  readonly servers: readonly EtcdServer[]

  private constructor(servers: readonly EtcdServer[]) {
    this.servers = servers
  }

  static async of(size: number): Promise<Fleet> {
    if (binary === undefined) throw new Error('there is no etcd')
    return new Fleet(size === 1 ? [await startEtcd(binary)] : await startEtcdCluster(binary, size))
  }

  get first(): EtcdServer {
    const [first] = this.servers
    if (first === undefined) throw new Error('there is no etcd')
    return first
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) server.remove()
  }
}

/** The member that leads the cluster. */
async function leaderOf(cluster: readonly EtcdServer[]): Promise<EtcdServer> {
  for (const server of cluster) {
    const { leader, header } = (await etcdCall(server.url, '/v3/maintenance/status', {})) as {
      leader?: string
      header: { member_id: string }
    }
    if (leader === header.member_id) return server
  }
  throw new Error('nobody leads')
}

const urls = (cluster: readonly EtcdServer[]): readonly string[] => cluster.map(({ url }) => url)
const roles = Array.from({ length: 20 }, (_, slot) => `orders/${slot}`)
const lost = (leases: readonly RoleLease[]): number => leases.filter((lease) => !lease.isValid()).length

describe.skipIf(binary === undefined)('when etcd', { timeout: 40_000 }, () => {
  test.concurrent('is down, awaitRole goes on trying, says so after a while, and succeeds once it is up', async () => {
    await using fleet = await Fleet.of(1)
    const server = fleet.first
    await server.stop()
    await using crew = new Crew({ endpoints: server.url, connectTimeout: '400ms' })
    const scheduler = crew.open('a')
    await expect(crew.ask(scheduler, 'orders/0')).rejects.toMatchObject({
      code: 'StoreUnavailable',
      retryable: true,
      message: expect.stringMatching(/^etcd at http:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/),
    })
    await expect(scheduler.holders(['orders/0'])).rejects.toMatchObject({ code: 'StoreUnavailable' })
    const patient = crew.ask(crew.open('b', { connectTimeout: '30s' }), 'orders/0')
    await server.start()
    expect((await patient).isValid()).toBe(true)
  })

  test.concurrent('is restarted, roles stay where they are', async () => {
    await using fleet = await Fleet.of(1)
    const server = fleet.first
    await using crew = new Crew({ endpoints: server.url, lease: '5s' })
    const [a, b] = [crew.open('a'), crew.open('b')]
    const leases = await Promise.all(roles.map((role) => crew.ask(a, role)))
    await server.kill()
    await server.start()
    expect(lost(leases)).toBe(0)
    const waiting = crew.ask(b, 'orders/0')
    await leases[0]?.release()
    expect((await waiting).fence.token).toBeGreaterThan(leases[0]?.fence.token ?? 0n)
  })

  test.concurrent('is away for longer than a lease, roles are lost in time, and come back by themselves', async () => {
    await using fleet = await Fleet.of(1)
    const server = fleet.first
    await using crew = new Crew({ endpoints: server.url, lease: '1s' })
    const scheduler = crew.open('a')
    const lease = await crew.ask(scheduler, 'orders/0')
    await server.kill()
    const again = crew.ask(scheduler, 'orders/0')
    await aborted(lease.signal)
    expect(lease.signal.reason).toMatchObject({ code: 'LeaseLost', message: 'instance "a" could not renew its lease in time' })
    await server.start()
    const next = await again
    expect([next.fence.domain, next.unclean]).toEqual([lease.fence.domain, false])
    expect(next.fence.token).toBeGreaterThan(lease.fence.token)
  })

  test.concurrent('comes back empty, there is a new domain for everybody', async () => {
    await using fleet = await Fleet.of(1)
    const server = fleet.first
    await using crew = new Crew({ endpoints: server.url })
    const [a, b] = [crew.open('a'), crew.open('b')]
    const [first, second] = await Promise.all([crew.ask(a, 'orders/0'), crew.ask(b, 'orders/1')])
    await server.kill()
    rmSync(join(server.place.folder, 'data'), { recursive: true })
    await server.start()
    await Promise.all([aborted(first.signal), aborted(second.signal)])
    const next = await Promise.all([crew.ask(a, 'orders/0'), crew.ask(b, 'orders/1')])
    expect(next.map((lease) => lease.fence.domain)).not.toContain(first.fence.domain)
    expect(new Set(next.map((lease) => lease.fence.domain)).size).toBe(1)
  })

  test.concurrent.each(['30s', '2s'])('is restored from an older state, there is one new domain, with leases of %s', async (lease) => {
    await using fleet = await Fleet.of(1)
    const server = fleet.first
    await using crew = new Crew({ endpoints: server.url, lease: lease as '2s' })
    const schedulers = Array.from({ length: 8 }, (_, index) => crew.open(`m${index}`))
    const askAll = (): Promise<readonly RoleLease[]> =>
      Promise.all(schedulers.map((scheduler, index) => crew.ask(scheduler, `orders/${index}`)))
    const leases = await askAll()
    const [data, copy] = [join(server.place.folder, 'data'), join(server.place.folder, 'copy')]
    await server.kill()
    cpSync(data, copy, { recursive: true })
    await server.start()
    // Members and their leases are in the copy, too: nothing but its revision tells that it is of the past.
    for (let turn = 0; turn < 5; turn++) await crew.ask(schedulers[0] ?? crew.open('none'), `refunds/${turn}`)
    await server.kill()
    rmSync(data, { recursive: true })
    cpSync(copy, data, { recursive: true })
    await server.start()
    await Promise.all(leases.map(({ signal }) => aborted(signal)))
    const next = await askAll()
    expect(next.map(({ fence }) => fence.domain)).not.toContain(leases[0]?.fence.domain)
    expect(new Set(next.map(({ fence }) => fence.domain)).size).toBe(1)
    // Written when the first came, and once more: not by each of those who found out.
    expect(await versionOf(server.url, `${crew.prefix}//domain`)).toBe(2)
  })

  test.concurrent('is restored from an older state, that is known from what others had written, too', async () => {
    await using fleet = await Fleet.of(1)
    const server = fleet.first
    await using crew = new Crew({ endpoints: server.url, lease: '30s' })
    const scheduler = crew.open('a')
    const [lease, stolen] = await Promise.all([crew.ask(scheduler, 'orders/0'), crew.ask(scheduler, 'orders/1')])
    const [data, copy] = [join(server.place.folder, 'data'), join(server.place.folder, 'copy')]
    await server.kill()
    cpSync(data, copy, { recursive: true })
    await server.start()
    // The scheduler hears of this by its watch, and has not asked for anything since the copy was made.
    await deleteKey(server.url, `${crew.prefix}//role/orders/1`)
    await aborted(stolen.signal)
    await server.kill()
    rmSync(data, { recursive: true })
    cpSync(copy, data, { recursive: true })
    await server.start()
    await aborted(lease.signal)
    expect(lease.signal.reason).toMatchObject({ code: 'LeaseLost', message: expect.stringContaining('etcd is not the store that it was') })
    expect((await crew.ask(scheduler, 'orders/0')).fence.domain).not.toBe(lease.fence.domain)
  })

  test.concurrent('has compacted what a watch has missed, the view is read anew', async () => {
    await using fleet = await Fleet.of(1)
    const server = fleet.first
    await using crew = new Crew({ endpoints: server.url, lease: '10s' })
    const [a, b] = [crew.open('a'), crew.open('b')]
    const lease = await crew.ask(a, 'orders/0')
    const waiting = crew.ask(b, 'orders/0')
    await server.pause()
    // Sent while it is paused, done before the watches are there again.
    const writes = Array.from({ length: 5 }, () => etcdCall(server.url, '/v3/kv/put', { key: 'eA==' }))
    server.resume()
    await Promise.all(writes)
    const { header } = (await etcdCall(server.url, '/v3/kv/range', { key: 'eA==' })) as { header: { revision: string } }
    await etcdCall(server.url, '/v3/kv/compaction', { revision: header.revision, physical: true })
    await server.kill()
    await server.start()
    expect(lease.isValid()).toBe(true)
    await lease.release()
    expect((await waiting).isValid()).toBe(true)
  })

  test.concurrent('loses a member of three, or one hangs, or the leader, nobody loses a role', async () => {
    await using fleet = await Fleet.of(3)
    const cluster = fleet.servers
    await using crew = new Crew({ endpoints: urls(cluster), lease: '5s', requestTimeout: '500ms' })
    const schedulers = ['a', 'b', 'c'].map((name) => crew.open(name))
    const leases = (
      await Promise.all(schedulers.map((one, index) => Promise.all(roles.map((role) => crew.ask(one, `${index}/${role}`)))))
    ).flat()
    const works = async (): Promise<void> => {
      const [first] = leases
      await first?.release()
      leases[0] = await crew.ask(schedulers[1] ?? crew.open('d'), '0/orders/0')
      await leases[0].release()
      leases[0] = await crew.ask(schedulers[0] ?? crew.open('d'), '0/orders/0')
    }
    // All schedulers talk to the first.
    await cluster[0]?.kill()
    await works()
    await cluster[0]?.start()
    await cluster[1]?.pause()
    await works()
    cluster[1]?.resume()
    const leader = await leaderOf(cluster)
    await leader.pause()
    await works()
    leader.resume()
    expect(lost(leases)).toBe(0)
  })

  test.concurrent('loses its quorum, roles are lost in time; with the quorum they are back', async () => {
    await using fleet = await Fleet.of(3)
    const cluster = fleet.servers
    await using crew = new Crew({ endpoints: urls(cluster), lease: '1s', requestTimeout: '500ms' })
    const [a, b] = [crew.open('a'), crew.open('b')]
    const first = await crew.ask(a, 'orders/0')
    await Promise.all([cluster[1]?.kill(), cluster[2]?.kill()])
    await aborted(first.signal)
    const waiting = Promise.race([crew.ask(a, 'orders/0'), crew.ask(b, 'orders/0')])
    let given = false
    void waiting.then(() => (given = true))
    await expect(b.holders(['orders/0'])).rejects.toMatchObject({ code: 'StoreUnavailable' })
    expect(given).toBe(false)
    await Promise.all([cluster[1]?.start(), cluster[2]?.start()])
    const next = await waiting
    expect(next.fence.domain).toBe(first.fence.domain)
    expect(next.fence.token).toBeGreaterThan(first.fence.token)
    expect((await keysOf(cluster[2]?.url ?? '', crew.prefix)).length).toBeGreaterThan(3)
  })
})
