/**
 * Roles over leases: one row per instance says how long it lives, one row per role who has it. A holder renews its row
 * every third of the lease and stops by its own clocks before anybody else may take over.
 */
import {
  HeldRole,
  InvalidArgument,
  isWorkflowError,
  LeaseLost,
  Stopped,
  WaitingRoles,
  type AwaitRoleOptions,
  type Clock,
  type RoleHolder,
  type RoleLease,
  type RoleScheduler,
} from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import { lookAtRoles, releaseRole, renewLease, rolesCount, signOff, withdraw, type Outcome, type Self, type Taken } from './role-table.ts'
import type { Session } from './session.ts'

export class SqliteRoleScheduler implements RoleScheduler {
  readonly instance: string
  readonly #session: Session
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #waiting = new WaitingRoles({
    came: () => {
      this.#start()
      this.#look()
    },
    gone: (role, wanted) => {
      if (!wanted) this.#withdraw(role)
    },
  })
  readonly #held = new Map<string, HeldRole>()
  /** This life of the instance: a new one begins when a lease has run out. */
  #id = randomUUID()
  /** Earlier lives of this process: their leases have run out, but nothing has killed it. */
  readonly #former = new Set<string>()
  #domain = ''
  #validUntil = { wall: 0, monotonic: 0 }
  #renewal: Disposable | undefined
  #expiry: Disposable | undefined
  #watch: Disposable | undefined
  #vacancy: Disposable | undefined
  #seen = -1
  #looking: Promise<void> | undefined
  #again = false
  /** A look has failed: the next renewal looks again. */
  #missed = false
  /** Roles whose release could not be written, with their tokens: each renewal tries again. */
  readonly #owed = new Map<string, bigint>()
  #closed: Promise<void> | undefined

  constructor(session: Session, instance: string, leaseMs: number) {
    this.#session = session
    this.#clock = session.settings.clock
    this.instance = instance
    this.#leaseMs = leaseMs
  }

  readonly awaitRole = async (role: string, { signal, generation }: AwaitRoleOptions): Promise<RoleLease> => {
    signal.throwIfAborted()
    if (role === '' || !Number.isInteger(generation) || generation < 0)
      throw new InvalidArgument(`a role needs a name, and a generation of 0 or more; got ${JSON.stringify(role)} and ${String(generation)}`)
    this.#assertOpen()
    this.#domain ||= await this.#session.read(
      this,
      (connection) => connection.value<string>("SELECT value FROM {meta} WHERE key = 'domain'") ?? '',
    )
    this.#assertOpen()
    return this.#waiting.wait(role, generation, signal)
  }

  readonly holders = async (roles: readonly string[]): Promise<ReadonlyMap<string, RoleHolder>> => {
    this.#assertOpen()
    const rows = await this.#session.read(this, (connection) =>
      connection.raw<[string, string, number]>(
        'SELECT r.role, i.name, r.since FROM {role} r JOIN {instance} i ON i.id = r.instance WHERE i.expires_at > ? AND r.role IN (SELECT value FROM json_each(?))',
        this.#clock.now(),
        JSON.stringify(roles),
      ),
    )
    return new Map(rows.map(([role, instance, since]) => [role, { instance, since: new Date(since) }]))
  }

  readonly close = (): Promise<void> => {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#stop()
    this.#waiting.rejectAll(this.#stopped())
    await this.#looking
    try {
      if (this.#domain !== '') await this.#session.write(this, (batch) => signOff(batch, this.#id))
    } catch {
      // Not signed off: the lease runs out.
    }
    this.#loseAll(this.#stopped())
    await this.#session.done(this)
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw this.#stopped()
  }

  #stopped(): Stopped {
    return new Stopped('the role scheduler has been closed')
  }

  /** Begins to renew and to watch. */
  #start(): void {
    this.#watch ??= this.#session.foreign.watch(() => {
      void this.#session
        .read(this, rolesCount)
        .then((count) => {
          if (count !== this.#seen) this.#look()
        })
        .catch(() => undefined)
    })
    if (this.#renewal === undefined) this.#armRenewal()
  }

  #stop(): void {
    this.#watch?.[Symbol.dispose]()
    this.#watch = undefined
    this.#renewal?.[Symbol.dispose]()
    this.#renewal = undefined
    this.#expiry?.[Symbol.dispose]()
    this.#expiry = undefined
    this.#vacancy?.[Symbol.dispose]()
    this.#vacancy = undefined
  }

  #armRenewal(): void {
    this.#renewal = this.#clock.setTimer(Math.floor(this.#leaseMs / 3), () => {
      this.#renewal = undefined
      if (this.#waiting.size + this.#held.size === 0) {
        this.#stop()
        return
      }
      void this.#renew().finally(() => {
        if (this.#closed === undefined && this.#renewal === undefined) this.#armRenewal()
      })
    })
  }

  async #renew(): Promise<void> {
    if (!this.#alive()) this.#newLife()
    try {
      const self = this.#self()
      const owed = [...this.#owed]
      const { held, look } = await this.#session.write(
        this,
        (batch) => {
          for (const [role, token] of owed) releaseRole(batch, self.id, role, token)
          return renewLease(batch, self)
        },
        true,
      )
      for (const [role, token] of owed) if (this.#owed.get(role) === token) this.#owed.delete(role)
      if (self.id !== this.#id) return
      this.#renewed(self)
      this.#compare(held)
      if (look || this.#again || this.#missed || owed.length > 0) this.#look()
    } catch (error) {
      // Not renewed: our own clocks end the lease in time. A closed database will not come back.
      if (isWorkflowError(error, 'Stopped')) this.#loseAll(error)
    }
  }

  /** Looks at the table, now or right after the look that is under way. */
  #look(): void {
    if (this.#looking !== undefined) {
      this.#again = true
      return
    }
    this.#again = false
    this.#looking = this.#lookOnce().finally(() => {
      this.#looking = undefined
      if (this.#again && this.#closed === undefined) this.#look()
    })
  }

  async #lookOnce(): Promise<void> {
    if (this.#waiting.size + this.#held.size === 0) return
    if (!this.#alive()) this.#newLife()
    // What this instance holds and waits for again comes from the release, not from the table.
    const self = this.#self()
    try {
      const { outcome, seen } = await this.#session.write(
        this,
        (batch) => ({
          outcome: lookAtRoles(batch, self),
          seen: rolesCount(batch.connection),
        }),
        true,
      )
      this.#seen = seen
      this.#missed = false
      // A life that ended meanwhile: what it was given runs out with its lease.
      if (self.id !== this.#id) {
        this.#again = true
        return
      }
      this.#renewed(self)
      this.#apply(outcome)
    } catch (error) {
      if (isWorkflowError(error, 'Stopped')) this.#waiting.rejectAll(error)
      // Else the next renewal tries again.
      this.#again = false
      this.#missed = true
    }
  }

  #apply({ taken, held, wantedElsewhere, nextExpiryMs }: Outcome): void {
    this.#compare(held)
    for (const one of taken) this.#hand(one)
    for (const role of wantedElsewhere) this.#held.get(role)?.askToYield()
    this.#vacancy?.[Symbol.dispose]()
    this.#vacancy = undefined
    if (nextExpiryMs === undefined || this.#waiting.size === 0 || this.#closed !== undefined) return
    // What a dead instance held is free the moment its lease has run out, not at our next renewal.
    this.#vacancy = this.#clock.setTimer(Math.max(50, nextExpiryMs - this.#clock.now() + 1), () => this.#look())
  }

  #hand({ role, token, unclean }: Taken): void {
    const fence = { role, domain: this.#domain, token }
    const held = new HeldRole(
      fence,
      unclean,
      () => this.#alive() && this.#held.get(role) === held,
      () => this.#release(held),
    )
    this.#held.set(role, held)
    const taker = this.#closed === undefined ? this.#waiting.next(role) : undefined
    if (taker === undefined) void held.release()
    else taker.take(held)
  }

  async #release(held: HeldRole): Promise<void> {
    const { role, token } = held.fence
    if (this.#held.get(role) !== held) return
    this.#held.delete(role)
    const id = this.#id
    await this.#session
      .write(this, (batch) => releaseRole(batch, id, role, token))
      .catch(() => {
        // Otherwise our own renewals would keep for ever what nobody has.
        if (id === this.#id && token !== undefined) this.#owed.set(role, token)
      })
    if (this.#waiting.size > 0) this.#look()
  }

  #withdraw(role: string): void {
    const id = this.#id
    void this.#session.write(this, (batch) => withdraw(batch, id, role)).catch(() => undefined)
  }

  /** Roles that the table gives to somebody else by now. */
  #compare(stored: ReadonlyMap<string, bigint>): void {
    for (const [role, held] of this.#held) {
      if (stored.get(role) === held.fence.token || held.fence.token === undefined) continue
      this.#held.delete(role)
      held.lose(
        new LeaseLost(`role ${JSON.stringify(role)} was taken from instance ${JSON.stringify(this.instance)}`, { details: { role } }),
      )
    }
  }

  #self(): Self {
    // Whole milliseconds, rounded to the side where we stop earlier: a clock may have fractions.
    const nowMs = Math.floor(this.#clock.now())
    return { id: this.#id, former: this.#former, name: this.instance, waiting: this.#waiting.wanted(), nowMs, leaseMs: this.#leaseMs }
  }

  #renewed({ nowMs }: Self): void {
    // A tenth less than what others see, so that we stop before they may begin.
    const ownMs = this.#leaseMs * 0.9
    const sinceMs = Math.max(0, this.#clock.now() - nowMs)
    this.#validUntil = { wall: nowMs + ownMs, monotonic: this.#clock.monotonic() + ownMs - sinceMs }
    this.#expiry?.[Symbol.dispose]()
    this.#expiry = this.#clock.setTimer(Math.max(0, ownMs - sinceMs), () => {
      if (!this.#alive()) this.#newLife()
    })
  }

  /** By both clocks. Before anything is held there is nothing to lose. */
  #alive(): boolean {
    return this.#held.size === 0 || (this.#clock.now() < this.#validUntil.wall && this.#clock.monotonic() < this.#validUntil.monotonic)
  }

  /** The lease may have run out: everything that was held is lost, and what comes is held by a new life. */
  #newLife(): void {
    this.#former.add(this.#id)
    this.#id = randomUUID()
    this.#owed.clear()
    this.#loseAll(new LeaseLost(`instance ${JSON.stringify(this.instance)} could not renew its lease in time`))
    if (this.#closed === undefined && this.#waiting.size > 0) this.#look()
  }

  #loseAll(reason: Error): void {
    const held = [...this.#held.values()]
    this.#held.clear()
    for (const one of held) one.lose(reason)
  }
}
