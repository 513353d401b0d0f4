/**
 * Who should have which role, by what is written for each member. Texts are read when somebody asks for what is in them: most members
 * need no more than their own.
 */
import { type Generations, readRoles } from './role-text.ts'

/** A part of what one member should have. */
class Part {
  readonly text: string
  readonly revision: bigint
  #roles: Generations | undefined

  constructor(text: string, revision: bigint) {
    this.text = text
    this.revision = revision
  }

  get roles(): Generations {
    this.#roles ??= readRoles(this.text)
    return this.#roles
  }
}

const nothing: ReadonlyMap<number, Part> = new Map()

export class Plans {
  readonly #parts: Map<string, Map<number, Part>> = new Map()
  #members: ReadonlyMap<string, string> | undefined

  clear(): void {
    this.#parts.clear()
    this.#members = undefined
  }

  /** Who should have a role. A plan that takes more than one write has it twice for a moment: the later one counts. */
  memberOf(role: string): string | undefined {
    this.#members ??= this.#readMembers()
    return this.#members.get(role)
  }

  /** Whether a role is planned for a member. For a moment it may be for another one, too. */
  has(id: string, role: string): boolean {
    for (const { roles } of this.#partsOf(id)) if (roles.has(role)) return true
    return false
  }

  /** The roles that are planned for a member. */
  *rolesOf(id: string): Iterable<string> {
    for (const { roles } of this.#partsOf(id)) yield* roles.keys()
  }

  /** What is written for a member, by part. */
  textsOf(id: string): ReadonlyMap<number, string> {
    return new Map([...(this.#parts.get(id) ?? nothing)].map(([part, { text }]) => [part, text]))
  }

  put(id: string, part: number, text: string, revision: bigint): void {
    const parts = this.#parts.get(id) ?? new Map<number, Part>()
    this.#parts.set(id, parts.set(part, new Part(text, revision)))
    this.#members = undefined
  }

  delete(id: string, part: number): void {
    const parts = this.#parts.get(id)
    parts?.delete(part)
    if (parts?.size === 0) this.#parts.delete(id)
    this.#members = undefined
  }

  #partsOf(id: string): Iterable<Part> {
    return (this.#parts.get(id) ?? nothing).values()
  }

  #readMembers(): ReadonlyMap<string, string> {
    const members = new Map<string, string>()
    const all = [...this.#parts].flatMap(([id, parts]) => [...parts.values()].map((part) => ({ id, part })))
    for (const { id, part } of all.sort((a, b) => (a.part.revision < b.part.revision ? -1 : 1)))
      for (const role of part.roles.keys()) members.set(role, id)
    return members
  }
}
