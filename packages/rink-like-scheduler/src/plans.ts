/** Who should have which role, by what is written for each member. */
import { type Generations, readRoles } from './role-text.ts'

/** A part of what one member should have. */
interface Part {
  readonly id: string
  readonly text: string
  readonly revision: bigint
  readonly roles: Generations
}

const nothing: Generations = new Map()

export class Plans {
  readonly #parts: Map<string, Map<number, Part>> = new Map()
  readonly #partOf: Map<string, Part> = new Map()

  clear(): void {
    this.#parts.clear()
    this.#partOf.clear()
  }

  /** Who should have a role. A plan that takes more than one write has it twice for a moment: the later one counts. */
  memberOf(role: string): string | undefined {
    return this.#partOf.get(role)?.id
  }

  /** The roles that a member should have: a role may be in here that is planned elsewhere by now. */
  *rolesOf(id: string): Iterable<string> {
    for (const { roles } of this.#parts.get(id)?.values() ?? []) yield* roles.keys()
  }

  /** What is written for a member, by part. */
  textsOf(id: string): ReadonlyMap<number, string> {
    return new Map([...(this.#parts.get(id) ?? [])].map(([part, { text }]) => [part, text]))
  }

  put(id: string, part: number, text: string, revision: bigint): void {
    const parts = this.#parts.get(id) ?? new Map<number, Part>()
    const before = parts.get(part)?.roles ?? nothing
    const now: Part = { id, text, revision, roles: readRoles(text) }
    this.#parts.set(id, parts.set(part, now))
    for (const role of now.roles.keys()) {
      // Where all is read at once, parts come in the order of their names.
      if ((this.#partOf.get(role)?.revision ?? 0n) <= revision) this.#partOf.set(role, now)
    }
    for (const role of before.keys()) if (!now.roles.has(role)) this.#drop(role, id)
  }

  delete(id: string, part: number): void {
    const parts = this.#parts.get(id)
    const before = parts?.get(part)?.roles ?? nothing
    parts?.delete(part)
    if (parts?.size === 0) this.#parts.delete(id)
    for (const role of before.keys()) this.#drop(role, id)
  }

  /** A part has the role no longer: another, of this member or of another one, may. */
  #drop(role: string, id: string): void {
    if (this.#partOf.get(role)?.id !== id) return
    this.#partOf.delete(role)
    for (const parts of this.#parts.values()) {
      for (const part of parts.values()) {
        if (part.roles.has(role) && (this.#partOf.get(role)?.revision ?? -1n) < part.revision) this.#partOf.set(role, part)
      }
    }
  }
}
