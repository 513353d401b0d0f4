import type { RoleLease } from '../ports/role-scheduler.ts'
import { AbortWatch } from './abort-watch.ts'

/** What a scheduler does when somebody begins to wait for a role, or gives up. */
export interface WaitingRolesEvents {
  /** Somebody waits for the role, alone or beside others. */
  readonly came: (role: string) => void
  /** A wait for the role was aborted; `wanted` says whether others still wait for it. */
  readonly gone: (role: string, wanted: boolean) => void
}

/** Somebody who has waited for a role and is to have it now. */
export interface RoleTaker {
  /** Which generation it was waited for with. */
  readonly generation: number
  /** Resolves its `wait` with the lease. To be called in the same turn as `next`. */
  readonly take: (lease: RoleLease) => void
}

interface Waiter extends RoleTaker {
  readonly reject: (error: unknown) => void
  /** From now on an abort changes nothing. */
  readonly settle: () => void
}

/**
 * Who waits for which role in this process: what a role scheduler keeps beside what it holds. Knows nothing of any store:
 * the scheduler asks the store for what is `wanted`, and hands each role that it gets to the `next` who waits. Ten thousand
 * that wait by one signal cost it one listener.
 */
export class WaitingRoles {
  readonly #waiters = new Map<string, Waiter[]>()
  readonly #signals = new AbortWatch()
  readonly #events: WaitingRolesEvents

  /** The events are called in the turn in which they happen, after the change, and must not throw. */
  constructor(events: WaitingRolesEvents) {
    this.#events = events
  }

  /** How many roles are waited for. */
  get size(): number {
    return this.#waiters.size
  }

  /** Whether somebody waits for the role. */
  has(role: string): boolean {
    return this.#waiters.has(role)
  }

  /** Resolves when the role is handed on. Rejects with `signal.reason` when aborted, before or meanwhile, or as `rejectAll` says. */
  async wait(role: string, generation: number, signal: AbortSignal): Promise<RoleLease> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<RoleLease>()
    const onAbort = (): void => {
      this.#withdraw(role, waiter)
      reject(signal.reason)
      this.#events.gone(role, this.has(role))
    }
    const settle = (): void => this.#signals.remove(signal, onAbort)
    const waiter: Waiter = { generation, take: resolve, reject, settle }
    this.#signals.add(signal, onAbort)
    const others = this.#waiters.get(role)
    if (others === undefined) this.#waiters.set(role, [waiter])
    else others.push(waiter)
    this.#events.came(role)
    return promise
  }

  /** The one who has waited longest for the role, and waits no longer: an abort comes too late. Undefined if nobody does. */
  next(role: string): RoleTaker | undefined {
    const waiter = this.#waiters.get(role)?.[0]
    if (waiter === undefined) return undefined
    this.#withdraw(role, waiter)
    waiter.settle()
    return waiter
  }

  /** Every role that is waited for, with the newest generation that waits for it. */
  wanted(): Map<string, number> {
    return new Map([...this.#waiters].map(([role, waiters]) => [role, Math.max(...waiters.map(({ generation }) => generation))]))
  }

  /** Ends every wait with the error. Calls no event: whoever calls this knows. */
  rejectAll(error: unknown): void {
    const waiters = [...this.#waiters.values()].flat()
    this.#waiters.clear()
    for (const { settle, reject } of waiters) {
      settle()
      reject(error)
    }
  }

  #withdraw(role: string, waiter: Waiter): void {
    const others = (this.#waiters.get(role) ?? []).filter((one) => one !== waiter)
    if (others.length > 0) this.#waiters.set(role, others)
    else this.#waiters.delete(role)
  }
}
