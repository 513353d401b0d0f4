/** Members that come, leave and die all at once, while roles are planned and taken: never two holders, and in the end all is spread. */
import type { RoleLease, RoleScheduler } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { rinkLikeScheduler } from '../src/index.ts'
import { etcdCall, etcdUrl, freshPrefix, keysOf } from './etcd.ts'
import { Proxy } from './proxy.ts'

const roles = Array.from({ length: 40 }, (_, slot) => `orders/${slot}`)

/** A member that wants every role, and gives back what it is asked for. */
class Member {
  readonly held = new Map<string, RoleLease>()
  readonly stop = new AbortController()
  readonly scheduler: RoleScheduler
  readonly proxy: Proxy
  readonly #crowd: Crowd

  constructor(crowd: Crowd, proxy: Proxy, name: string) {
    this.#crowd = crowd
    this.proxy = proxy
    this.scheduler = rinkLikeScheduler({
      endpoints: proxy.url,
      prefix: crowd.prefix,
      instance: name,
      lease: '2s',
      requestTimeout: '500ms',
    })
    for (const role of roles) this.#keep(role).catch(() => undefined)
  }

  async leave(): Promise<void> {
    this.stop.abort()
    await this.scheduler.close()
    await this.proxy.close()
  }

  async #keep(role: string): Promise<void> {
    while (!this.stop.signal.aborted) {
      const lease = await this.scheduler.awaitRole(role, { signal: this.stop.signal, generation: 0 })
      this.#crowd.taken(role, lease)
      this.held.set(role, lease)
      await Promise.race([ended(lease.yield), ended(lease.signal)])
      this.held.delete(role)
      await lease.release()
    }
  }
}

class Crowd {
  readonly prefix: string = freshPrefix()
  readonly members = new Set<Member>()
  readonly faults: string[] = []
  takes = 0
  readonly #last = new Map<string, RoleLease>()
  #names = 0

  async join(): Promise<Member> {
    const proxy = await Proxy.to(etcdUrl ?? '')
    const member = new Member(this, proxy, `m${this.#names++}`)
    this.members.add(member)
    return member
  }

  /** As by `kill -9`: nothing more is heard of it. */
  async kill(member: Member): Promise<void> {
    this.members.delete(member)
    await member.proxy.close()
  }

  taken(role: string, lease: RoleLease): void {
    this.takes++
    const before = this.#last.get(role)
    if (before?.isValid() === true) this.faults.push(`${role} is with two at once`)
    if (before !== undefined && before.fence.domain === lease.fence.domain && before.fence.token >= lease.fence.token)
      this.faults.push(`a token of ${role} did not grow`)
    this.#last.set(role, lease)
  }

  get isEven(): boolean {
    const counts = [...this.members].map(({ held }) => [...held.values()].filter((lease) => lease.isValid()).length)
    return counts.reduce((sum, count) => sum + count, 0) === roles.length && Math.max(...counts) - Math.min(...counts) <= 1
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** The member of the lowest create revision. */
async function plannerOf(prefix: string): Promise<string> {
  const range = {
    key: Buffer.from(`${prefix}//member/`).toString('base64'),
    range_end: Buffer.from(`${prefix}//member0`).toString('base64'),
    sort_target: 'CREATE',
    sort_order: 'ASCEND',
    limit: 1,
  }
  const { kvs } = (await etcdCall(etcdUrl ?? '', '/v3/kv/range', range)) as { readonly kvs?: readonly { readonly value: string }[] }
  return (JSON.parse(Buffer.from(kvs?.[0]?.value ?? '', 'base64').toString()) as { readonly name: string }).name
}

describe.skipIf(etcdUrl === undefined)('many members', { timeout: 90_000 }, () => {
  test('start at once, come and go: never two have a role, and in the end all is even', async () => {
    const crowd = new Crowd()
    const even = (): Promise<void> => expect.poll(() => crowd.isEven, { timeout: 30_000, interval: 20 }).toBe(true)
    const members = await Promise.all(Array.from({ length: 10 }, () => crowd.join()))
    await even()
    // Leaving while others join, and two die.
    const [first, second, third, fourth] = members
    const leaving = [first, second].map((member) => {
      if (member !== undefined) crowd.members.delete(member)
      return member?.leave()
    })
    const joining = [crowd.join(), crowd.join()]
    for (const member of [third, fourth]) if (member !== undefined) await crowd.kill(member)
    await Promise.all([...leaving, ...joining])
    await even()
    // The one that plans dies while its plan is on the way: written, and never answered.
    const name = await plannerOf(crowd.prefix)
    const planner = [...crowd.members].find(({ scheduler }) => scheduler.instance === name)
    expect(planner).toBeDefined()
    const died = new Promise<void>((resolve) => planner?.proxy.loseAnswersTo('/0', () => resolve()))
    await crowd.join()
    await died
    if (planner !== undefined) await crowd.kill(planner)
    await even()
    expect(crowd.faults).toEqual([])
    expect(crowd.takes).toBeGreaterThan(roles.length)
    await Promise.all([...crowd.members].map((member) => member.leave()))
    // The dead are gone from etcd by now, or soon; nobody has left anything else.
    await expect
      .poll(async () => (await keysOf(etcdUrl ?? '', crowd.prefix)).filter((key) => !/\/\/(domain$|role\/)/.test(key)), { timeout: 10_000 })
      .toEqual([])
  })
})
