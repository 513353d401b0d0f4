/**
 * What this process holds in one term of membership: takes what is planned for it and free, says what should go elsewhere, and
 * notices what was taken away. What etcd says decides; an answer that was lost is made up for by what the view shows later.
 */
import { HeldRole, LeaseLost, type WaitingRoles } from '@workflow/core/adapter'
import { Coordinator } from './coordinator.ts'
import type { EtcdDriver } from './driver.ts'
import type { RoleEntry, StoredRole } from './entries.ts'
import type { FormerTerms } from './former-terms.ts'
import type { Keys } from './keys.ts'
import { type Return, RoleLocks } from './role-locks.ts'
import type { Settings } from './settings.ts'
import type { Term } from './term.ts'
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
  readonly #former: FormerTerms
  readonly #locks: RoleLocks
  readonly #wants: WantList
  readonly #coordinator: Coordinator
  readonly #held = new Map<string, Held>()
  /** Roles that are being taken, and that are being given back: no answer yet. */
  readonly #taking = new Set<string>()
  readonly #returning = new Set<string>()
  /** What has not come to its end, of both. */
  readonly #underway = new Set<Promise<void>>()
  /** Generations of what is being given back: whoever does so mostly asks for it again at once, which is no change of what is wanted. */
  readonly #leaving = new Map<string, number>()
  /** Roles of claims without an answer: the view may show them as ours, at any time. With the last token that was given back since. */
  readonly #unsure = new Map<string, bigint>()
  /** Returns without an answer: tried again soon. Else our lease would keep what nobody has. */
  readonly #owed = new Map<string, Return>()
  /** Roles to look at, though nothing is new about them in the view. */
  #unlooked = new Set<string>()
  #looking: Disposable | undefined
  #tending: Disposable | undefined
  #closed = false

  constructor(term: Term, driver: EtcdDriver, keys: Keys, settings: Settings, waiting: WaitingRoles, former: FormerTerms) {
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

  /** Somebody has come to wait for a role, or waits no longer for some. */
  wantsChanged(asked: string | undefined): void {
    this.#wants.changed(asked !== undefined)
    if (asked !== undefined) this.#lookAt(asked)
  }

  /** Looks at what is new in the view, once for all that changes in this turn of the event loop. */
  viewChanged(): void {
    if (this.#looking !== undefined || this.#closed || this.#term.signal.aborted) return
    this.#looking = this.#settings.clock.setImmediate(() => {
      this.#looking = undefined
      if (!this.#closed && this.#term.isAlive()) this.#look()
    })
  }

  /** With each renewal, and soon after a failure: what an answer that was lost has left undone. */
  tend(): void {
    this.#tending?.[Symbol.dispose]()
    this.#tending = undefined
    if (this.#closed || !this.#term.isAlive()) return
    const { view, id } = this.#term
    for (const [role, given] of this.#unsure) {
      const stored = view.roles.get(role)
      if (stored?.entry?.id !== id || stored.revision <= given || this.#isBusy(role)) continue
      this.#hand(role, stored.revision, stored.entry, this.#unclean(stored.entry.after))
    }
    const owed = [...this.#owed.values()]
    this.#owed.clear()
    for (const one of owed) void this.#giveBack(one)
    this.#wants.verify()
    for (const role of view.plans.rolesOf(id)) this.#unlooked.add(role)
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
    this.#locks.leaving()
    const held = [...this.#held]
    this.lose(reason)
    for (const one of this.#owed.values()) void this.#giveBack(one)
    for (const [role, { token }] of held) void this.#giveBack({ role, token, after: undefined })
    // What is taken just now is given back as well.
    while (this.#underway.size > 0) await Promise.all(this.#underway)
    await this.#locks.close()
  }

  #wanted(): ReadonlyMap<string, number> {
    const wanted = this.#waiting.wanted()
    for (const [role, generation] of this.#leaving) if (!wanted.has(role)) wanted.set(role, generation)
    for (const [role, { generation }] of this.#held) wanted.set(role, Math.max(generation, wanted.get(role) ?? 0))
    return wanted
  }

  /** What it costs goes with what has changed: there may be thousands of roles, and a change with each of them. */
  #look(): void {
    const { view, id } = this.#term
    const { roles, isReplanned } = view.news()
    const unlooked = this.#unlooked
    this.#unlooked = new Set()
    const all = roles === undefined || isReplanned
    for (const role of roles ?? []) unlooked.add(role)
    for (const role of all ? [...this.#held.keys()] : unlooked) this.#keepOrNot(role)
    for (const role of all ? view.plans.rolesOf(id) : unlooked) this.#takeIfFree(role)
    this.#coordinator.changed()
  }

  #lookAt(role: string): void {
    this.#unlooked.add(role)
    this.viewChanged()
  }

  /** Whether a role that is held is still ours, by what etcd says, and whether it is to stay. */
  #keepOrNot(role: string): void {
    const held = this.#held.get(role)
    if (held === undefined) return
    const { view, id } = this.#term
    if (view.revision >= held.token && view.roles.get(role)?.revision !== held.token) {
      this.#held.delete(role)
      const instance = JSON.stringify(this.#settings.instance)
      held.lease.lose(new LeaseLost(`role ${JSON.stringify(role)} was taken from instance ${instance}`, { details: { role } }))
      this.#wants.changed(false)
      return
    }
    // While a plan is being written a role may be in none, or in two: that asks nobody to do anything.
    if (!view.plans.has(id, role) && view.plans.memberOf(role) !== undefined) held.lease.askToYield()
  }

  #takeIfFree(role: string): void {
    const { view, id } = this.#term
    if (!this.#waiting.has(role) || this.#isBusy(role) || !view.plans.has(id, role)) return
    const seen = view.roles.get(role)
    if (seen?.entry === undefined || !view.members.has(seen.entry.id)) this.#take(role, seen)
  }

  /** Whether it is in hand, or on its way. */
  #isBusy(role: string): boolean {
    return this.#held.has(role) || this.#taking.has(role) || this.#returning.has(role)
  }

  #take(role: string, seen: StoredRole | undefined): void {
    this.#follow(role, this.#taking, this.#tryToTake(role, seen))
  }

  #follow(role: string, busy: Set<string>, done: Promise<void>): void {
    busy.add(role)
    this.#underway.add(done)
    // Neither rejects.
    void done.then(() => this.#underway.delete(done))
  }

  async #tryToTake(role: string, seen: StoredRole | undefined): Promise<void> {
    const { id } = this.#term
    const { instance, clock } = this.#settings
    const holder = seen?.entry?.id
    const after = holder === undefined || this.#former.has(holder) ? undefined : holder
    const entry: RoleEntry = { id, name: instance, since: clock.now(), ...(after === undefined ? {} : { after }) }
    try {
      const token = await this.#locks.take({ role, seen, entry })
      this.#taking.delete(role)
      // Not as it was seen: the view will show what it is.
      if (token === undefined) this.#lookAt(role)
      else this.#hand(role, token, entry, after !== undefined)
    } catch {
      // Nobody knows whether it is ours: the view will show.
      this.#taking.delete(role)
      this.#unsure.set(role, this.#unsure.get(role) ?? 0n)
      this.#tendSoon()
    }
  }

  /** Gives a role that is ours to whoever waits for it. */
  #hand(role: string, token: bigint, entry: RoleEntry, unclean: boolean): void {
    const taker = this.#closed || !this.#term.isAlive() ? undefined : this.#waiting.next(role)
    if (taker === undefined) {
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
        this.#leaving.set(role, taker.generation)
        await this.#giveBack({ role, token, after: undefined })
        this.#leaving.delete(role)
        this.#wants.changed(false)
      },
    )
    this.#held.set(role, { lease, token, generation: taker.generation })
    taker.take(lease)
    // It may have been taken away, or be planned elsewhere, before this answer came.
    this.#lookAt(role)
  }

  /** Resolves when it is done, or has failed and is tried again later. */
  #giveBack(one: Return): Promise<void> {
    // From here on it is not ours, whatever the view shows.
    if (this.#unsure.has(one.role)) this.#unsure.set(one.role, one.token)
    const done = this.#tryToGiveBack(one)
    this.#follow(one.role, this.#returning, done)
    return done
  }

  async #tryToGiveBack(one: Return): Promise<void> {
    try {
      await this.#locks.giveBack(one)
      this.#returning.delete(one.role)
      this.#lookAt(one.role)
    } catch {
      this.#returning.delete(one.role)
      this.#owed.set(one.role, one)
      this.#tendSoon()
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
