/**
 * The lock of each role: a key that exists while somebody holds the role, or has died with it. It is made on condition that it
 * is as it was seen, and that its last holder is gone; the revision of that write is the fencing token. Many locks are taken, or
 * given back, in one transaction, each for itself.
 */
import { Coalescer, StoreUnavailable } from '@workflow/core/adapter'
import type { Condition, EtcdDriver, Operation } from './driver.ts'
import { type RoleEntry, type StoredRole, writeRole } from './entries.ts'
import type { Keys } from './keys.ts'
import type { Term } from './term.ts'

/** A role to take, as the view has it. */
export interface Claim {
  readonly role: string
  readonly seen: StoredRole | undefined
  readonly entry: RoleEntry
}

/** A role to give back. */
export interface Return {
  readonly role: string
  readonly token: bigint
  /** The member that died with the role, where nobody has had it in hand since: the next one must hear of it. */
  readonly after: RoleEntry | undefined
}

/** Roles in one transaction: each has an operation of its own and conditions within, of which etcd takes 128 in all. */
const batchMax = 100

export class RoleLocks {
  readonly #term: Term
  readonly #driver: EtcdDriver
  readonly #keys: Keys
  readonly #claims: Coalescer<Claim, bigint | undefined>
  readonly #returns: Coalescer<Return, void>
  #closing = false
  #unheard = false

  constructor(term: Term, driver: EtcdDriver, keys: Keys) {
    this.#term = term
    this.#driver = driver
    this.#keys = keys
    const name = 'the role scheduler'
    this.#claims = new Coalescer({ name, batchMax, flush: (batch) => this.#takeAll(batch) })
    this.#returns = new Coalescer({ name, batchMax, flush: (batch) => this.#giveAll(batch) })
  }

  /** The fencing token; undefined where the role is not as it was seen. Rejects where nobody knows: then the view will tell. */
  take(claim: Claim): Promise<bigint | undefined> {
    return this.#claims.add(claim)
  }

  /** Fine where the role is somebody else's by now. */
  giveBack(one: Return): Promise<void> {
    return this.#returns.add(one)
  }

  /** From now on what cannot be given back at once is left for the lease to end. */
  leaving(): void {
    this.#closing = true
  }

  async close(): Promise<void> {
    await this.#claims.close()
    await this.#returns.close()
  }

  async #takeAll(claims: readonly Claim[]): Promise<readonly (bigint | undefined)[]> {
    const { succeeded, revision, results } = await this.#driver.transact({
      // Not after our own end: whoever took over from us must not lose to what we sent before.
      conditions: [this.#isMember()],
      operations: claims.map(({ role, seen, entry }): Operation => {
        const key = this.#keys.role(role)
        const asSeen: Condition = { key, target: 'mod', equals: seen?.revision ?? 0n }
        return { type: 'nested', conditions: [asSeen, ...this.#isGone(seen)], operations: [{ type: 'put', key, value: writeRole(entry) }] }
      }),
    })
    return claims.map((_, index) => (succeeded && results[index]?.succeeded === true ? revision : undefined))
  }

  /** Whoever had the role is a member no longer, or never was one that can die. */
  #isGone(seen: StoredRole | undefined): readonly Condition[] {
    const holder = seen?.entry?.id
    if (holder === undefined) return []
    return [{ key: this.#keys.member(holder), target: 'create', equals: this.#term.view.ghosts.get(holder) ?? 0n }]
  }

  async #giveAll(returns: readonly Return[]): Promise<readonly void[]> {
    const transaction = {
      conditions: [],
      operations: returns.map(({ role, token, after }): Operation => {
        const key = this.#keys.role(role)
        const what: Operation = after === undefined ? { type: 'delete', key } : { type: 'put', key, value: writeRole(after) }
        return { type: 'nested', conditions: [{ key, target: 'mod', equals: token }], operations: [what] }
      }),
    }
    // Whoever leaves does not wait for an etcd that does not answer once for each of a hundred such batches.
    if (this.#unheard) throw new StoreUnavailable('etcd has not answered to what was given back before this')
    try {
      // Doing it twice does no harm, and others wait for it: a connection may have been of no use any more.
      await this.#driver.transact(transaction).catch(() => this.#driver.transact(transaction))
    } catch (error) {
      this.#unheard = this.#closing
      throw error
    }
    return returns.map(() => undefined)
  }

  #isMember(): Condition {
    return { key: this.#keys.member(this.#term.id), target: 'create', equals: this.#term.rank }
  }
}
