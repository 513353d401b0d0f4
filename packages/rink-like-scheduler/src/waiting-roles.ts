/** Who waits for which role in this process, whatever becomes of its membership. */
import type { RoleLease } from '@workflow/core/adapter'
import { AbortWatch } from './abort-watch.ts'

interface Waiter {
  readonly generation: number
  readonly resolve: (lease: RoleLease) => void
  readonly reject: (error: unknown) => void
}

/** Takes the lease, and answers with which generation it was waited for. */
export interface Taker {
  readonly generation: number
  readonly resolve: (lease: RoleLease) => void
}

export class WaitingRoles {
  readonly #waiters = new Map<string, Waiter[]>()
  readonly #signals = new AbortWatch()
  readonly #changed: (more: boolean) => void

  /** `changed` is told whether somebody came, or somebody went without a role. */
  constructor(changed: (more: boolean) => void) {
    this.#changed = changed
  }

  get size(): number {
    return this.#waiters.size
  }

  has(role: string): boolean {
    return this.#waiters.has(role)
  }

  /** Resolves when the role is given. Rejects with `signal.reason` when aborted. */
  wait(role: string, generation: number, signal: AbortSignal): Promise<RoleLease> {
    return new Promise<RoleLease>((resolve, reject) => {
      const end = (): void => this.#signals.remove(signal, onAbort)
      const waiter: Waiter = {
        generation,
        resolve: (lease) => {
          end()
          resolve(lease)
        },
        reject: (error) => {
          end()
          reject(error)
        },
      }
      const onAbort = (): void => {
        this.#withdraw(role, waiter)
        waiter.reject(signal.reason)
      }
      this.#signals.add(signal, onAbort)
      const others = this.#waiters.get(role)
      if (others === undefined) this.#waiters.set(role, [waiter])
      else others.push(waiter)
      this.#changed(true)
    })
  }

  /** The one who has waited longest for a role, who waits no longer. */
  next(role: string): Taker | undefined {
    const waiters = this.#waiters.get(role)
    const waiter = waiters?.shift()
    if (waiters?.length === 0) this.#waiters.delete(role)
    return waiter
  }

  /** Every role that is waited for, with the newest generation. */
  wanted(): Map<string, number> {
    const wanted = new Map<string, number>()
    for (const [role, waiters] of this.#waiters) {
      wanted.set(
        role,
        waiters.reduce((highest, { generation }) => Math.max(highest, generation), 0),
      )
    }
    return wanted
  }

  rejectAll(error: unknown): void {
    const waiters = [...this.#waiters.values()].flat()
    this.#waiters.clear()
    for (const { reject } of waiters) reject(error)
    if (waiters.length > 0) this.#changed(false)
  }

  #withdraw(role: string, waiter: Waiter): void {
    const rest = (this.#waiters.get(role) ?? []).filter((one) => one !== waiter)
    if (rest.length > 0) this.#waiters.set(role, rest)
    else this.#waiters.delete(role)
    this.#changed(false)
  }
}
