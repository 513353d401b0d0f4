/**
 * The domain is a key that names this history of the store. Whoever finds out that the store has gone back to an older state opens
 * another, and writes beside its name which one it replaces: so whoever finds it out later knows that this was done.
 */

export interface DomainEntry {
  readonly name: string
  /** The domain that it was opened in the place of. */
  readonly replaces: string | undefined
}

/** Undefined where there is none, or nothing in it. */
export function readDomain(value: string | undefined): DomainEntry | undefined {
  const [name = '', replaces] = (value ?? '').split(' ')
  return name === '' ? undefined : { name, replaces }
}

export function writeDomain({ name, replaces }: DomainEntry): string {
  return replaces === undefined ? name : `${name} ${replaces}`
}
