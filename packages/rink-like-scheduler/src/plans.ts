/** Who should have which role, by what is written for each member. */
import { readRoles } from './role-text.ts'

/** A part of what one member should have. */
interface Part {
  readonly text: string
  readonly revision: bigint
  readonly roles: ReadonlySet<string>
}

const nothing: ReadonlySet<string> = new Set()

export class Plans {
  readonly #parts: Map<string, Map<number, Part>> = new Map()
  readonly #memberOf: Map<string, { readonly id: string; readonly revision: bigint }> = new Map()

  clear(): void {
    this.#parts.clear()
    this.#memberOf.clear()
  }

  /** Who should have a role. A plan that takes more than one write has it twice for a moment: the later one counts. */
  memberOf(role: string): string | undefined {
    return this.#memberOf.get(role)?.id
  }

  /** The roles that a member should have: a role may be in here that is planned elsewhere by now. */
  *rolesOf(id: string): Iterable<string> {
    for (const { roles } of this.#parts.get(id)?.values() ?? []) yield* roles
  }

  /** What is written for a member, by part. */
  textsOf(id: string): ReadonlyMap<number, string> {
    return new Map([...(this.#parts.get(id) ?? [])].map(([part, { text }]) => [part, text]))
  }

  put(id: string, part: number, text: string, revision: bigint): void {
    const parts = this.#parts.get(id) ?? new Map<number, Part>()
    const before = parts.get(part)?.roles ?? nothing
    const roles: ReadonlySet<string> = new Set(readRoles(text).keys())
    this.#parts.set(id, parts.set(part, { text, revision, roles }))
    for (const role of roles) {
      // One by one, as they are read, parts come in the order of their names.
      if ((this.#memberOf.get(role)?.revision ?? 0n) <= revision) this.#memberOf.set(role, { id, revision })
    }
    for (const role of before) if (!roles.has(role)) this.#drop(role, id)
  }

  delete(id: string, part: number): void {
    const parts = this.#parts.get(id)
    const before = parts?.get(part)?.roles ?? nothing
    parts?.delete(part)
    if (parts?.size === 0) this.#parts.delete(id)
    for (const role of before) this.#drop(role, id)
  }

  /** A part has the role no longer: another, of this member or of another one, may. */
  #drop(role: string, id: string): void {
    if (this.#memberOf.get(role)?.id !== id) return
    this.#memberOf.delete(role)
    for (const [other, parts] of this.#parts) {
      for (const { roles, revision } of parts.values()) {
        if (roles.has(role) && (this.#memberOf.get(role)?.revision ?? -1n) < revision) this.#memberOf.set(role, { id: other, revision })
      }
    }
  }
}
