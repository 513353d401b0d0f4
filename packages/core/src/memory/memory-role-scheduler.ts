import { durationMs, type Duration } from '../model/duration.ts'
import type { Fence } from '../model/role.ts'
import { Configuration, InvalidArgument, LeaseLost, Stopped } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { AwaitRoleOptions, RoleHolder, RoleLease, RoleScheduler } from '../ports/role-scheduler.ts'
import { systemClock } from '../system/system-clock.ts'
import { memoryDatabase, type MemoryDatabase } from './memory-database.ts'
import type { HeldRole, Member, RoleTable, Waiter } from './role-table.ts'

/** Options of `memoryRoleScheduler`. */
export interface MemoryRoleSchedulerOptions {
  /** Share it, and the clock, to compete with other schedulers for roles. @default a new, empty one */
  readonly database?: MemoryDatabase
  /** By which leases end. @default systemClock */
  readonly clock?: Clock
  /** How this scheduler is called. @default 'memory instance' and a number */
  readonly instance?: string
  /** How long a lease lasts when its holder does not renew it; it does so three times as often. @default '3s' */
  readonly leaseDuration?: Duration
}

const leaseDurationDefault: Duration = '3s'
const renewalsPerLease = 3
let instances = 0

/** A role scheduler over this process's memory: instances on one database share its roles. */
export function memoryRoleScheduler(options: MemoryRoleSchedulerOptions = {}): RoleScheduler {
  return openRoleScheduler(options).port
}

/** The scheduler, and a way to end it as if its process had died. */
export function openRoleScheduler(options: MemoryRoleSchedulerOptions): { readonly port: RoleScheduler; readonly kill: () => void } {
  const scheduler = new MemoryRoleScheduler(options)
  const port: RoleScheduler = {
    instance: scheduler.instance,
    awaitRole: (role, awaitOptions) => scheduler.awaitRole(role, awaitOptions),
    holders: async (roles) => scheduler.holders(roles),
    close: async () => scheduler.close(),
  }
  return { port, kill: () => scheduler.kill() }
}

class MemoryRoleScheduler implements Member {
  readonly instance: string
  readonly leases = new Set<HeldRole>()
  untilMonotonicMs = 0
  untilMs = 0
  readonly clock: Clock
  readonly #table: RoleTable
  readonly #leaseMs: number
  /** Ends the calls that wait. */
  readonly #waiting = new Set<(reason: unknown) => void>()
  #timer: Disposable | undefined
  #ended = false

  constructor(options: MemoryRoleSchedulerOptions) {
    this.instance = options.instance ?? `memory instance ${++instances}`
    this.clock = options.clock ?? systemClock
    this.#table = (options.database ?? memoryDatabase()).roles
    this.#leaseMs = durationMs(options.leaseDuration ?? leaseDurationDefault, 'leaseDuration')
    if (this.#leaseMs < renewalsPerLease)
      throw new Configuration(`leaseDuration must be at least '${renewalsPerLease}ms'; got ${JSON.stringify(options.leaseDuration)}`)
  }

  async awaitRole(role: string, { signal, generation }: AwaitRoleOptions): Promise<RoleLease> {
    if (this.#ended) throw this.#stopped()
    if (!Number.isInteger(generation) || generation < 0)
      throw new InvalidArgument(`role ${JSON.stringify(role)}: generation must be a whole number, 0 or more; got ${generation}`)
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<RoleLease>()
    const waiter: Waiter = {
      member: this,
      generation,
      grant: (token, unclean) => {
        if (this.leases.size === 0) this.#renew()
        const lease = new MemoryRoleLease(role, this, this.#table, { generation, token, unclean })
        resolve(lease)
        return lease
      },
    }
    // At once: between here and the rejection nothing may be granted any more.
    const giveUp = (reason: unknown): void => {
      this.#table.stopWaiting(role, waiter)
      reject(reason)
    }
    const onAbort = (): void => giveUp(signal.reason)
    this.#waiting.add(giveUp)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#table.wait(role, waiter)
    this.#keepTime()
    try {
      return await promise
    } finally {
      this.#waiting.delete(giveUp)
      signal.removeEventListener('abort', onAbort)
      this.#restIfIdle()
    }
  }

  holders(roles: readonly string[]): ReadonlyMap<string, RoleHolder> {
    if (this.#ended) throw this.#stopped()
    this.#table.expire(this.clock.monotonic())
    const holders = new Map<string, RoleHolder>()
    for (const role of roles) {
      const held = this.#table.holder(role)
      if (held !== undefined) holders.set(role, { instance: held.member.instance, since: held.since })
    }
    return holders
  }

  close(): void {
    if (this.#ended) return
    this.#end()
    for (const lease of [...this.leases]) {
      lease.lose()
      this.#table.release(lease, false)
    }
  }

  /** Ends like a process that is killed: gives nothing back, so that its leases must expire. */
  kill(): void {
    this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    for (const giveUp of this.#waiting) giveUp(this.#stopped())
  }

  #stopped(): Stopped {
    return new Stopped(`role scheduler ${JSON.stringify(this.instance)} has been closed; open a new one`)
  }

  /** One timer for all roles, as long as there is one to hold or to wait for. */
  #keepTime(): void {
    if (this.#ended || this.#timer !== undefined) return
    this.#timer = this.clock.setTimer(Math.floor(this.#leaseMs / renewalsPerLease), () => {
      this.#timer = undefined
      this.#tick()
      if (this.leases.size > 0 || this.#waiting.size > 0) this.#keepTime()
    })
  }

  /** With nothing to hold and nothing to wait for, no timer keeps the process alive. */
  #restIfIdle(): void {
    if (this.leases.size > 0 || this.#waiting.size > 0) return
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /** A lease is over. */
  gone(): void {
    this.#restIfIdle()
  }

  #tick(): void {
    for (const lease of [...this.leases]) {
      if (this.#table.isHolder(lease) && !this.expired()) continue
      lease.lose()
      this.#table.release(lease, true)
    }
    if (this.leases.size > 0) this.#renew()
    this.#table.expire(this.clock.monotonic())
  }

  #renew(): void {
    this.untilMonotonicMs = this.clock.monotonic() + this.#leaseMs
    this.untilMs = this.clock.now() + this.#leaseMs
  }

  /** Whether the leases may have ended, by either clock. */
  expired(): boolean {
    return this.clock.monotonic() >= this.untilMonotonicMs || this.clock.now() >= this.untilMs
  }
}

class MemoryRoleLease implements RoleLease, HeldRole {
  readonly role: string
  readonly member: MemoryRoleScheduler
  readonly generation: number
  readonly token: bigint
  readonly unclean: boolean
  readonly since: Date
  readonly fence: Fence
  readonly #table: RoleTable
  readonly #yield = new AbortController()
  readonly #lost = new AbortController()
  #released = false

  constructor(
    role: string,
    member: MemoryRoleScheduler,
    table: RoleTable,
    { generation, token, unclean }: Pick<HeldRole, 'generation' | 'token' | 'unclean'>,
  ) {
    this.role = role
    this.member = member
    this.generation = generation
    this.token = token
    this.unclean = unclean
    this.since = new Date(member.clock.now())
    this.fence = { role, domain: table.domain, token }
    this.#table = table
  }

  get yield(): AbortSignal {
    return this.#yield.signal
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  get yielding(): boolean {
    return this.#yield.signal.aborted
  }

  readonly isValid = (): boolean => !this.#released && !this.#lost.signal.aborted && !this.member.expired()

  readonly release = async (): Promise<void> => {
    if (this.#released) return
    this.#released = true
    if (!this.#lost.signal.aborted) this.#table.release(this, false)
    this.member.gone()
  }

  readonly askToYield = (): void =>
    this.#yield.abort(
      new LeaseLost(`role ${JSON.stringify(this.role)} is wanted by another instance; release it when the work in hand is done`),
    )

  readonly lose = (): void => this.#lost.abort(new LeaseLost(`the lease of role ${JSON.stringify(this.role)} has ended; stop at once`))

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
