/** Claims that several cases ask about: filled in once for all of them, because that takes longer than to ask. */
import type { StoredClaims } from './claims.ts'

export class KeptClaims implements AsyncDisposable {
  readonly #fill: (copies: number) => Promise<StoredClaims>
  #kept: StoredClaims | undefined

  constructor(fill: (copies: number) => Promise<StoredClaims>) {
    this.#fill = fill
  }

  /** Filled in by whoever asks first. */
  async of(copies: number): Promise<StoredClaims> {
    if (this.#kept?.copies === copies) return this.#kept
    await this[Symbol.asyncDispose]()
    this.#kept = await this.#fill(copies)
    return this.#kept
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept?.[Symbol.asyncDispose]()
    this.#kept = undefined
  }
}
