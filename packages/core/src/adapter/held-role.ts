import type { Fence } from '../model/role.ts'
import type { RoleLease } from '../ports/role-scheduler.ts'

/**
 * A role in hand, as a scheduler gives it out. The scheduler says when it is to be given back (`askToYield`) and when it
 * is gone (`lose`); both may be said twice.
 */
export class HeldRole implements RoleLease {
  readonly fence: Fence
  readonly unclean: boolean
  readonly isValid: () => boolean
  readonly #yield = new AbortController()
  readonly #lost = new AbortController()
  readonly #giveBack: () => Promise<void>
  #released: Promise<void> | undefined

  /** `isHeld`: whether the lease holds by the scheduler's own clocks, asked before each effect. `giveBack` is called once and must not reject. */
  constructor(fence: Fence, unclean: boolean, isHeld: () => boolean, giveBack: () => Promise<void>) {
    this.fence = fence
    this.unclean = unclean
    this.isValid = () => !this.#lost.signal.aborted && isHeld()
    this.#giveBack = giveBack
  }

  get yield(): AbortSignal {
    return this.#yield.signal
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  readonly release = (): Promise<void> => {
    this.#released ??= this.#giveBack()
    return this.#released
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.release()

  /** Fires `yield`: another instance should have the role. */
  askToYield(): void {
    this.#yield.abort()
  }

  /** Fires `signal`; from now on the role is not valid. */
  lose(reason: Error): void {
    this.#lost.abort(reason)
  }
}
