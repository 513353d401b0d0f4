import type { Fence, RoleLease } from '@workflow/core/adapter'

/** A role in hand, as the scheduler gives it out. */
export class HeldRole implements RoleLease {
  readonly fence: Fence
  readonly unclean: boolean
  readonly isValid: () => boolean
  readonly #yield = new AbortController()
  readonly #lost = new AbortController()
  readonly #giveBack: () => Promise<void>
  #released: Promise<void> | undefined

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

  askToYield(): void {
    this.#yield.abort()
  }

  lose(reason: Error): void {
    this.#lost.abort(reason)
  }
}
