/** One instance, as the table sees it. */
export interface Member {
  readonly instance: string
  readonly leases: Set<HeldRole>
  /** When its leases end unless it renews them, by the monotonic clock. */
  untilMonotonicMs: number
}

/** A role in somebody's hands. */
export interface HeldRole {
  readonly role: string
  readonly member: Member
  readonly generation: number
  readonly token: bigint
  readonly unclean: boolean
  readonly since: Date
  readonly yielding: boolean
  /** Asks the holder to give the role back when it is done with what it has in hand. */
  readonly askToYield: () => void
  /** Tells the holder that the role is no longer its own. */
  readonly lose: () => void
}

/** Somebody who waits for a role. */
export interface Waiter {
  readonly member: Member
  readonly generation: number
  readonly grant: (token: bigint, unclean: boolean) => HeldRole
}

interface Role {
  readonly name: string
  readonly waiters: Set<Waiter>
  holder: HeldRole | undefined
  /** Of the newest holder; 0 before the first. Never goes back. */
  token: bigint
  /** The last holder did not release. */
  unclean: boolean
  /** Who held it before. */
  last: Member | undefined
}

/**
 * Who holds which role, and who waits. Decides in one place, after everything that may change the answer: free roles
 * go to the waiter with the newest code, then to the one that has least; whoever has two more than a waiter, or older
 * code, is asked to give one back.
 */
export class RoleTable {
  readonly domain: string
  readonly #roles = new Map<string, Role>()
  /** The roles that somebody waits for. */
  readonly #wanted = new Set<Role>()
  readonly #members = new Set<Member>()
  #settling = false

  constructor(domain: string) {
    this.domain = domain
  }

  wait(role: string, waiter: Waiter): void {
    const entry = this.#role(role)
    entry.waiters.add(waiter)
    this.#wanted.add(entry)
    this.#settleSoon()
  }

  stopWaiting(role: string, waiter: Waiter): void {
    const entry = this.#role(role)
    entry.waiters.delete(waiter)
    if (entry.waiters.size === 0) this.#wanted.delete(entry)
  }

  /** Frees a role; one that has another holder by now is left alone. */
  release(held: HeldRole, unclean: boolean): void {
    held.member.leases.delete(held)
    const entry = this.#role(held.role)
    if (entry.holder !== held) return
    entry.holder = undefined
    entry.unclean = unclean
    entry.last = held.member
    this.#settleSoon()
  }

  /** Takes a role away behind its holder's back, as a lease store does that lost its data. For tests. */
  steal(role: string): void {
    const entry = this.#role(role)
    entry.holder = undefined
    entry.unclean = true
    entry.last = undefined
    this.#settleSoon()
  }

  isHolder(held: HeldRole): boolean {
    return this.#roles.get(held.role)?.holder === held
  }

  holder(role: string): HeldRole | undefined {
    return this.#roles.get(role)?.holder
  }

  /** Ends the leases that were not renewed in time. Their holders hear of it first. */
  expire(monotonicMs: number): void {
    for (const member of this.#members) {
      if (member.untilMonotonicMs > monotonicMs) continue
      for (const held of [...member.leases]) {
        held.lose()
        this.release(held, true)
      }
      this.#members.delete(member)
    }
  }

  #role(name: string): Role {
    let role = this.#roles.get(name)
    if (role === undefined) {
      role = { name, waiters: new Set(), holder: undefined, token: 0n, unclean: false, last: undefined }
      this.#roles.set(name, role)
    }
    return role
  }

  /** Once after everything that happens now, so that those who come together share. */
  #settleSoon(): void {
    if (this.#settling) return
    this.#settling = true
    queueMicrotask(() => {
      this.#settling = false
      this.#settle()
    })
  }

  #settle(): void {
    const shares = new Shares()
    for (const role of this.#wanted) {
      if (role.holder === undefined) this.#grant(role, shares)
      else if (role.holder.yielding) shares.add(candidate(role, shares)?.member, 1)
    }
    // One after another, from wherever there is most to level out, so that nobody gives back more than is needed.
    for (let move = this.#bestMove(shares); move !== undefined; move = this.#bestMove(shares)) {
      shares.add(move.waiter.member, 1)
      shares.add(move.holder.member, -1)
      move.holder.askToYield()
    }
  }

  #grant(role: Role, shares: Shares): void {
    const waiter = candidate(role, shares)
    if (waiter === undefined) return
    this.stopWaiting(role.name, waiter)
    role.token++
    // Whoever comes back itself has not died.
    role.holder = waiter.grant(role.token, role.unclean && role.last !== waiter.member)
    role.unclean = false
    shares.add(waiter.member, 1)
    waiter.member.leases.add(role.holder)
    this.#members.add(waiter.member)
  }

  #bestMove(shares: Shares): { readonly holder: HeldRole; readonly waiter: Waiter } | undefined {
    let best: { readonly holder: HeldRole; readonly waiter: Waiter } | undefined
    let gain = 1
    for (const role of this.#wanted) {
      const { holder } = role
      const waiter = holder?.yielding === false ? candidate(role, shares) : undefined
      if (holder === undefined || waiter === undefined || waiter.generation < holder.generation) continue
      if (waiter.generation > holder.generation) return { holder, waiter }
      const difference = shares.of(holder.member) - shares.of(waiter.member)
      if (difference > gain) {
        gain = difference
        best = { holder, waiter }
      }
    }
    return best
  }
}

/** What each member has and will keep, and what it has been promised, while the table is being settled. */
class Shares {
  readonly #shares = new Map<Member, number>()

  of(member: Member): number {
    let share = this.#shares.get(member)
    if (share === undefined) {
      share = 0
      for (const held of member.leases) if (!held.yielding) share++
      this.#shares.set(member, share)
    }
    return share
  }

  add(member: Member | undefined, count: number): void {
    if (member !== undefined) this.#shares.set(member, this.of(member) + count)
  }
}

/** Who should have a role next: the newest code, then the smallest share, then who came first. */
function candidate(role: Role, shares: Shares): Waiter | undefined {
  let best: Waiter | undefined
  for (const waiter of role.waiters) {
    if (waiter.member === role.holder?.member) continue
    if (
      best === undefined ||
      waiter.generation > best.generation ||
      (waiter.generation === best.generation && shares.of(waiter.member) < shares.of(best.member))
    )
      best = waiter
  }
  return best
}
