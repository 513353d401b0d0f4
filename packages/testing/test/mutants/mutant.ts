/** An adapter that breaks a promise on purpose, and the cases that must say so. */
export interface Mutant<Change> {
  /** What it does wrong. */
  readonly name: string
  readonly change: Change
  /** Every case that fails for it, and no other does. */
  readonly caughtBy: readonly string[]
}

/** One line per mutant. */
export function mutant<Change>(name: string, change: Change, ...caughtBy: readonly string[]): Mutant<Change> {
  return { name, change, caughtBy }
}
