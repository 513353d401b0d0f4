/**
 * What this process holds in one term of membership: takes what is planned for it and free, says what should go elsewhere, and
 * notices what was taken away. What etcd says decides; an answer that was lost is made up for by what the view shows later.
 */
import { HeldRole, LeaseLost } from '@workflow/core/adapter'
import { Coordinator } from './coordinator.ts'
import type { EtcdDriver } from './driver.ts'
import type { Keys } from './keys.ts'
import { type Return, RoleLocks } from './role-locks.ts'
import type { Settings } from './settings.ts'
import type { Term } from './term.ts'
import type { RoleEntry, StoredRole } from './view.ts'
import type { WaitingRoles } from './waiting-roles.ts'
import { WantList } from './want-list.ts'

interface Held {
  readonly lease: HeldRole
  readonly token: bigint
  readonly generation: number
}

/** After a request without an answer. */
const retryMs = 250

export class Holding {
  readonly #term: Term
  readonly #settings: Settings
  readonly #waiting: WaitingRoles
  /** The ids of this scheduler's earlier terms: what they left was not left by the dead. */
  readonly #former: ReadonlySet<string>
  readonly #locks: RoleLocks
  readonly #wants: WantList
  readonly #coordinator: Coordinator
  readonly #held = new Map<string, Held>()
  /** Roles that are being taken or given back: no answer yet. */
  readonly #busy = new Set<string>()
  /** Generations of what is being given back: whoever does so mostly asks for it again at once, which is no change of what is wanted. */
  readonly #leaving = new Map<string, number>()
  /** Roles of claims without an answer: the view may show them as ours, at any time. */
  readonly #unsure = new Set<string>()
  /** Returns without an answer: tried again soon. Else our lease would keep what nobody has. */
  readonly #owed = new Map<string, Return>()
  #looking: Disposable | undefined
  #tending: Disposable | undefined
  #closed = false

  constructor(term: Term, driver: EtcdDriver, keys: Keys, settings: Settings, waiting: WaitingRoles, former: ReadonlySet<string>) {
    this.#term = term
    this.#settings = settings
    this.#waiting = waiting
    this.#former = former
    this.#locks = new RoleLocks(term, driver, keys)
    this.#wants = new WantList(term, driver, keys, settings.clock, () => this.#wanted())
    this.#coordinator = new Coordinator(term, driver, keys, settings.clock)
    const end = (): void => {
      this.#looking?.[Symbol.dispose]()
      this.#tending?.[Symbol.dispose]()
    }
    term.signal.addEventListener('abort', end, { once: true })
    this.#wants.changed(true)
  }

  /** Somebody waits for a role, or no longer does. */
  wantsChanged(more: boolean): void {
    this.#wants.changed(more)
    if (more) this.viewChanged()
  }

  /** Looks at the view, once for all that changes in this turn of the event loop. */
  viewChanged(): void {
    if (this.#looking !== undefined || this.#closed || this.#term.signal.aborted) return
    this.#looking = this.#settings.clock.setImmediate(() => {
      this.#looking = undefined
      if (this.#closed || !this.#term.isAlive()) return
      this.#dropStolen()
      this.#askToYield()
      this.#takeFree()
      this.#coordinator.changed()
    })
  }

  /** With each renewal, and soon after a failure: what an answer that was lost has left undone. */
  tend(): void {
    this.#tending?.[Symbol.dispose]()
    this.#tending = undefined
    if (this.#closed || !this.#term.isAlive()) return
    for (const role of this.#unsure) {
      const stored = this.#term.view.roles.get(role)
      if (this.#held.has(role)) this.#unsure.delete(role)
      else if (stored?.entry.id === this.#term.id && !this.#busy.has(role))
        this.#hand(role, stored.revision, stored.entry, this.#unclean(stored.entry.after))
    }
    const owed = [...this.#owed.values()]
    this.#owed.clear()
    for (const one of owed) void this.#giveBack(one)
    this.#wants.verify()
    this.viewChanged()
  }

  /** Everything is lost at once. */
  lose(reason: Error): void {
    const held = [...this.#held.values()]
    this.#held.clear()
    for (const { lease } of held) lease.lose(reason)
  }

  /** Gives everything back. What cannot be given back is left for the lease to end. */
  async close(reason: Error): Promise<void> {
    this.#closed = true
    const held = [...this.#held]
    this.lose(reason)
    const returns = held.map(([role, { token }]) => this.#locks.giveBack({ role, token, after: undefined }))
    await this.#locks.close()
    await Promise.all(returns)
  }

  #wanted(): ReadonlyMap<string, number> {
    const wanted = this.#waiting.wanted()
    for (const [role, generation] of this.#leaving) if (!wanted.has(role)) wanted.set(role, generation)
    for (const [role, { generation }] of this.#held) wanted.set(role, Math.max(generation, wanted.get(role) ?? 0))
    return wanted
  }

  /** Roles that etcd gives to somebody else, or to nobody. */
  #dropStolen(): void {
    const { view } = this.#term
    for (const [role, { lease, token }] of this.#held) {
      if (view.revision < token || view.roles.get(role)?.revision === token) continue
      this.#held.delete(role)
      const instance = JSON.stringify(this.#settings.instance)
      lease.lose(new LeaseLost(`role ${JSON.stringify(role)} was taken from instance ${instance}`, { details: { role } }))
      this.#wants.changed(false)
    }
  }

  #askToYield(): void {
    const { view, id } = this.#term
    for (const [role, { lease }] of this.#held) {
      const planned = view.planned.get(role)
      // While a plan is being written a role may be in none: that asks nobody to do anything.
      if (planned !== undefined && planned !== id) lease.askToYield()
    }
  }

  #takeFree(): void {
    const { view, id } = this.#term
    for (const role of view.plannedFor(id)) {
      if (this.#held.has(role) || this.#busy.has(role) || !this.#waiting.has(role) || view.planned.get(role) !== id) continue
      const seen = view.roles.get(role)
      if (seen === undefined || !view.members.has(seen.entry.id)) void this.#take(role, seen)
    }
  }

  async #take(role: string, seen: StoredRole | undefined): Promise<void> {
    const { id } = this.#term
    const { instance, clock } = this.#settings
    const after = seen === undefined || this.#former.has(seen.entry.id) ? undefined : seen.entry.id
    const entry: RoleEntry = { id, name: instance, since: clock.now(), ...(after === undefined ? {} : { after }) }
    this.#busy.add(role)
    try {
      const token = await this.#locks.take({ role, seen, entry })
      this.#busy.delete(role)
      // Not as it was seen: the view will show what it is.
      if (token !== undefined) this.#hand(role, token, entry, after !== undefined)
    } catch {
      // Nobody knows whether it is ours: the view will show.
      this.#busy.delete(role)
      this.#unsure.add(role)
      this.#tendSoon()
    }
  }

  /** Gives a role that is ours to whoever waits for it. */
  #hand(role: string, token: bigint, entry: RoleEntry, unclean: boolean): void {
    const waiter = this.#closed || !this.#term.isAlive() ? undefined : this.#waiting.next(role)
    if (waiter === undefined) {
      // Nobody has had it in hand: it goes back as it was found.
      void this.#giveBack({ role, token, after: unclean && entry.after !== undefined ? { ...entry, id: entry.after } : undefined })
      return
    }
    const fence = { role, domain: this.#term.domain, token }
    const lease = new HeldRole(
      fence,
      unclean,
      () => this.#held.get(role)?.lease === lease && this.#term.isAlive(),
      async () => {
        if (this.#held.get(role)?.lease !== lease) return
        this.#held.delete(role)
        this.#leaving.set(role, waiter.generation)
        await this.#giveBack({ role, token, after: undefined })
        this.#leaving.delete(role)
        this.#wants.changed(false)
        this.viewChanged()
      },
    )
    this.#held.set(role, { lease, token, generation: waiter.generation })
    waiter.resolve(lease)
    this.viewChanged()
  }

  async #giveBack(one: Return): Promise<void> {
    this.#busy.add(one.role)
    try {
      await this.#locks.giveBack(one)
    } catch {
      this.#owed.set(one.role, one)
      this.#tendSoon()
    } finally {
      this.#busy.delete(one.role)
    }
  }

  #tendSoon(): void {
    if (this.#tending !== undefined || this.#closed || this.#term.signal.aborted) return
    this.#tending = this.#settings.clock.setTimer(retryMs, () => this.tend())
  }

  #unclean(after: string | undefined): boolean {
    return after !== undefined && !this.#former.has(after)
  }
}
