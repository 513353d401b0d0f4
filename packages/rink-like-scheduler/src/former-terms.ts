/** What a scheduler remembers of the terms that it has had. */
export class FormerTerms {
  readonly #ids = new Set<string>()
  #domain: string | undefined

  /** A term is over. */
  add(id: string, domain: string | undefined): void {
    this.#ids.add(id)
    this.#domain = domain ?? this.#domain
  }

  /** Whether a member was this scheduler: what it left was not left by the dead. */
  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** The domain that it was in last. */
  get domain(): string | undefined {
    return this.#domain
  }
}
