/**
 * Roles of one process. The table of who holds what is that of the memory adapters; in between are calls that take time and
 * fail, clocks that disagree, and a lease that a process may believe to have for longer than it does.
 */
import { LeaseLost, type AwaitRoleOptions, type Fence, type RoleHolder, type RoleLease, type RoleScheduler } from '@workflow/core/adapter'
import type { MemoryDatabase } from '@workflow/core/memory'
import type { SimProcess } from './sim-process.ts'

type RoleTable = MemoryDatabase['roles']
type Waiter = Parameters<RoleTable['wait']>[1]
type Member = Waiter['member']
type HeldRole = ReturnType<Waiter['grant']>

/** A holder trusts its lease for this part of its time, so that clocks which disagree by less do no harm. */
const trusted = 0.8
const renewalsPerLease = 3

export class SimRoleScheduler implements RoleScheduler, Member {
  readonly instance: string
  readonly leases: Set<HeldRole> = new Set()
  /** When the server ends them, by its clock. */
  untilMonotonicMs = 0
  /** When this process stops believing in them, by its own clocks. */
  #ownMonotonicMs = 0
  #ownMs = 0
  readonly #process: SimProcess
  #table: RoleTable
  readonly #held = new Set<SimLease>()
  #waiting = 0
  /** Those that the table knows to wait, with their roles: another table has to be told. */
  readonly #waiters = new Map<Waiter, string>()
  #renewing = false

  constructor(process: SimProcess) {
    this.#process = process
    this.instance = process.name
    this.#table = process.world.roles
  }

  readonly awaitRole = (role: string, { signal, generation }: AwaitRoleOptions): Promise<RoleLease> => {
    const process = this.#process
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      let over = false
      const waiter: Waiter = {
        member: this,
        generation,
        grant: (token, unclean) => {
          this.#waiters.delete(waiter)
          const lease = new SimLease(process, this, process.world.roles, { role, generation, token, unclean })
          // The first renewal takes a while to come.
          if (this.leases.size === 0) this.untilMonotonicMs = process.world.serverMonotonic() + process.world.leaseMs
          const sent = this.#now()
          process.plan(process.world.dice.spread(20, 5_000), 'grant', () => {
            this.#waiting--
            signal.removeEventListener('abort', giveUp)
            if (over) return void lease.release()
            over = true
            if (this.#held.size === 0) this.#believe(sent)
            this.#held.add(lease)
            process.leases.set(role, lease)
            process.world.trace(() => `${process.name} has role ${role}, token ${token}${unclean ? ', after a death' : ''}`)
            resolve(lease)
          })
          return lease
        },
      }
      const giveUp = (): void => {
        if (over) return
        over = true
        this.#stopWaiting(role, waiter)
        reject(signal.reason)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      process.onDeath(() => this.#stopWaiting(role, waiter))
      this.#waiting++
      process
        .call({ place: 'renew', name: `awaitRole ${role}`, side: 'roles', effect: () => (over ? undefined : this.#wait(role, waiter)) })
        .catch((error: unknown) => {
          if (over) return
          over = true
          signal.removeEventListener('abort', giveUp)
          reject(error)
        })
      this.#renewSoon()
    })
  }

  #wait(role: string, waiter: Waiter): void {
    this.#follow()
    this.#waiters.set(waiter, role)
    this.#table.wait(role, waiter)
  }

  #stopWaiting(role: string, waiter: Waiter): void {
    this.#waiters.delete(waiter)
    this.#table.stopWaiting(role, waiter)
  }

  /** At the server: whoever has another table now learns who waits. */
  #follow(): void {
    const { roles } = this.#process.world
    if (this.#table === roles) return
    this.#table = roles
    for (const [waiter, role] of this.#waiters) roles.wait(role, waiter)
  }

  readonly holders = (roles: readonly string[]): Promise<ReadonlyMap<string, RoleHolder>> =>
    this.#process.call({
      place: 'renew',
      name: 'holders',
      side: 'roles',
      effect: () => {
        const holders = new Map<string, RoleHolder>()
        for (const role of roles) {
          const held = this.#table.holder(role)
          if (held !== undefined) holders.set(role, { instance: held.member.instance, since: held.since })
        }
        return holders
      },
    })

  readonly close = async (): Promise<void> => {
    await Promise.all([...this.#held].map((lease) => lease.release()))
  }

  /** Whether the leases may be relied on, by both clocks of this process. */
  get valid(): boolean {
    const { clock, deluded } = this.#process
    if (deluded) return true
    return clock.monotonic() < this.#ownMonotonicMs && clock.now() < this.#ownMs
  }

  gone(lease: SimLease): void {
    this.#held.delete(lease)
    if (this.#process.leases.get(lease.role) === lease) this.#process.leases.delete(lease.role)
  }

  #now(): { readonly monotonicMs: number; readonly ms: number } {
    return { monotonicMs: this.#process.clock.monotonic(), ms: this.#process.clock.now() }
  }

  #believe(since: { readonly monotonicMs: number; readonly ms: number }): void {
    const lasts = this.#process.world.leaseMs * trusted
    this.#ownMonotonicMs = since.monotonicMs + lasts
    this.#ownMs = since.ms + lasts
  }

  /** One timer for all leases of the process. */
  #renewSoon(): void {
    if (this.#renewing) return
    this.#renewing = true
    const { clock, world } = this.#process
    // Sooner when the leases would be over before the next turn: nobody may act under them a moment longer.
    const left = this.#held.size === 0 ? Infinity : this.#ownMonotonicMs - clock.monotonic()
    clock.setTimer(Math.max(1, Math.min(world.leaseMs / renewalsPerLease, left)), () => {
      this.#renewing = false
      this.#tick()
      if (this.#held.size > 0 || this.#waiting > 0) this.#renewSoon()
    })
  }

  #tick(): void {
    // What only the wall clock doubts may still be ours: the server is asked first.
    if (!this.#process.deluded && this.#process.clock.monotonic() >= this.#ownMonotonicMs) for (const lease of [...this.#held]) lease.lost()
    // A process that deludes itself does not get through to the server.
    if (this.#process.deluded) return
    const sent = this.#now()
    const claimed = [...this.#held]
    this.#process.call({ place: 'renew', name: 'renew', side: 'roles', effect: () => this.#renewed(claimed) }).then(
      (lost) => {
        if (this.valid || this.#held.size === 0) this.#believe(sent)
        for (const lease of lost) lease.lost()
      },
      () => undefined,
    )
  }

  /** At the server: prolongs what is still there. Answers what is not. */
  #renewed(claimed: readonly SimLease[]): readonly SimLease[] {
    const nowMs = this.#process.world.serverMonotonic()
    this.#follow()
    this.#table.expire(nowMs)
    // What the process no longer claims was given back by a call that got lost.
    for (const held of [...this.leases]) if (held instanceof SimLease && held.given) this.#table.release(held, false)
    this.untilMonotonicMs = nowMs + this.#process.world.leaseMs
    const lost = claimed.filter((lease) => !this.#table.isHolder(lease))
    for (const lease of lost) this.#table.release(lease, true)
    return lost
  }
}

export class SimLease implements RoleLease, HeldRole {
  readonly role: string
  readonly member: SimRoleScheduler
  readonly generation: number
  readonly token: bigint
  readonly unclean: boolean
  readonly since: Date
  readonly fence: Fence
  yielding = false
  /** The process has given it back, whether the server knows or not. */
  given = false
  readonly #process: SimProcess
  readonly #table: RoleTable
  readonly #yield = new AbortController()
  readonly #lost = new AbortController()

  constructor(
    process: SimProcess,
    member: SimRoleScheduler,
    table: RoleTable,
    { role, generation, token, unclean }: Pick<HeldRole, 'role' | 'generation' | 'token' | 'unclean'>,
  ) {
    this.#process = process
    this.#table = table
    this.role = role
    this.member = member
    this.generation = generation
    this.token = token
    this.unclean = unclean
    this.since = new Date(process.world.serverNow())
    this.fence = { role, domain: table.domain, token: process.world.tokensFrom + token }
  }

  get yield(): AbortSignal {
    return this.#yield.signal
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  readonly isValid = (): boolean => !this.given && !this.#lost.signal.aborted && this.member.valid

  readonly release = async (): Promise<void> => {
    if (this.given) return
    this.given = true
    this.member.gone(this)
    await this.#process
      .call({ place: 'renew', name: `release ${this.role}`, side: 'roles', effect: () => this.#back() })
      .catch(() => undefined)
  }

  /** At the server. A table that was lost with its data hears of nothing any more. */
  #back(): void {
    if (this.#table === this.#process.world.roles) this.#table.release(this, false)
  }

  /** From the server, which asks politely. */
  readonly askToYield = (): void => {
    this.yielding = true
    this.#process.plan(this.#process.world.dice.spread(20, 50_000), 'lease', () =>
      this.#yield.abort(new LeaseLost(`simulated: role ${JSON.stringify(this.role)} is wanted by another instance`)),
    )
  }

  /** From the server, which does not reach a process by itself: it hears at its next renewal, or from its own clocks. */
  readonly lose = (): void => undefined

  /** In the process: the lease is over, or may be. */
  lost(): void {
    if (this.#lost.signal.aborted) return
    this.member.gone(this)
    this.#process.world.trace(() => `${this.#process.name} has lost role ${this.role}`)
    this.#lost.abort(new LeaseLost(`simulated: the lease of role ${JSON.stringify(this.role)} has ended`))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
