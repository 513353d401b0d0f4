/** What a case throws: which promise of a port's contract did not hold, and what was seen instead. */
export class PromiseBroken extends Error {
  /** The sentence of the contract, in short. */
  readonly promise: string

  constructor(promise: string, seen: string, options?: ErrorOptions) {
    super(`${promise}: ${seen}`, options)
    this.name = 'PromiseBroken'
    this.promise = promise
  }
}
