/** What is in etcd, as far as this process has been told: everything below the prefix, at one revision. */
import type { Change, Entry } from './driver.ts'
import type { Key, Keys } from './keys.ts'
import { type Generations, readRoles } from './role-text.ts'

/** A process that takes part, for as long as its lease lives. Those of an earlier creation are of a lower rank. */
export interface MemberEntry {
  readonly id: string
  readonly name: string
  readonly leaseId: string
  readonly rank: bigint
}

/** Who has a role. It stays when its holder dies, so that the next one knows. */
export interface RoleEntry {
  readonly id: string
  readonly name: string
  /** In ms since the epoch, by the holder's clock. */
  readonly since: number
  /** The member that died with the role before, where there was one. */
  readonly after?: string
}

/** A role as it is stored; its entry is read when somebody asks for it, since most are of others. */
export class StoredRole {
  /** The fencing token. */
  readonly revision: bigint
  readonly #stored: Entry
  #entry: RoleEntry | undefined

  constructor(stored: Entry) {
    this.#stored = stored
    this.revision = stored.modRevision
  }

  get entry(): RoleEntry {
    // Written by `writeRole`.
    this.#entry ??= JSON.parse(this.#stored.value) as RoleEntry
    return this.#entry
  }
}

/** The parts of what a member wants, or should have. */
type Parts = Map<number, string>

const nothing: ReadonlySet<string> = new Set()

export class View {
  readonly #keys: Keys
  revision = 0n
  domain: string | undefined
  readonly members: Map<string, MemberEntry> = new Map()
  readonly roles: Map<string, StoredRole> = new Map()
  readonly wants: Map<string, Parts> = new Map()
  readonly plans: Map<string, Parts> = new Map()
  /** Who should have a role, by the plans. */
  readonly planned: Map<string, string> = new Map()
  /** The same by member and part. */
  readonly #plannedParts: Map<string, Map<number, ReadonlySet<string>>> = new Map()
  /** Counts changes of what a plan is made of. */
  demands = 0
  /** Of the last change of a plan. */
  planRevision = 0n

  constructor(keys: Keys) {
    this.#keys = keys
  }

  /** Forgets everything and takes over what is there at a revision. */
  load(entries: readonly Entry[], revision: bigint): void {
    for (const map of [this.members, this.roles, this.wants, this.plans, this.planned, this.#plannedParts]) map.clear()
    this.domain = undefined
    this.demands++
    for (const entry of entries) this.#put(entry.key, entry)
    this.revision = revision
    this.planRevision = revision
  }

  /**
   * Whether what is there now can have come of this view: whatever is no younger is in it. A store of the past may have been
   * written to until its revision is that of the view, and is of another history still.
   */
  isPastOf(entries: readonly Entry[]): boolean {
    return entries.every(({ key, value, createRevision, modRevision }) => {
      if (modRevision > this.revision) return true
      const about = this.#keys.parse(key)
      if (about?.type === 'member') return this.members.get(about.id)?.rank === createRevision
      if (about?.type !== 'role') return true
      const stored = this.roles.get(about.role)
      return stored?.revision === modRevision && writeRole(stored.entry) === value
    })
  }

  apply(changes: readonly Change[]): void {
    for (const { key, revision, entry } of changes) {
      if (revision < this.revision) continue
      if (this.#put(key, entry) === 'plan') this.planRevision = revision
      this.revision = revision
    }
  }

  /** The member of the lowest rank: it makes the plans. */
  leader(): MemberEntry | undefined {
    let leader: MemberEntry | undefined
    for (const member of this.members.values()) if (leader === undefined || member.rank < leader.rank) leader = member
    return leader
  }

  /** The roles that a member should have: a role may be in here that is planned elsewhere by now. */
  *plannedFor(id: string): Iterable<string> {
    for (const roles of this.#plannedParts.get(id)?.values() ?? []) yield* roles
  }

  #put(key: string, entry: Entry | undefined): Key['type'] | undefined {
    const about = this.#keys.parse(key)
    switch (about?.type) {
      case 'domain':
        this.domain = entry?.value
        break
      case 'member':
        this.#putMember(about.id, entry)
        break
      case 'role':
        if (entry === undefined) this.roles.delete(about.role)
        else this.roles.set(about.role, new StoredRole(entry))
        break
      case 'want':
        this.demands++
        putPart(this.wants, about.id, about.part, entry?.value)
        break
      case 'plan':
        this.#putPlan(about.id, about.part, entry?.value)
        break
      case undefined:
    }
    return about?.type
  }

  #putMember(id: string, entry: Entry | undefined): void {
    this.demands++
    if (entry === undefined) {
      this.members.delete(id)
      return
    }
    // Written by `writeMember`.
    const { name, leaseId } = JSON.parse(entry.value) as Pick<MemberEntry, 'name' | 'leaseId'>
    this.members.set(id, { id, name, leaseId, rank: entry.createRevision })
  }

  #putPlan(id: string, part: number, text: string | undefined): void {
    putPart(this.plans, id, part, text)
    const parts = this.#plannedParts.get(id) ?? new Map<number, ReadonlySet<string>>()
    const [before, now] = [parts.get(part) ?? nothing, text === undefined ? nothing : new Set(readRoles(text).keys())]
    for (const role of before) if (!now.has(role) && this.planned.get(role) === id) this.planned.delete(role)
    for (const role of now) this.planned.set(role, id)
    if (text === undefined) parts.delete(part)
    else parts.set(part, now)
    if (parts.size === 0) this.#plannedParts.delete(id)
    else this.#plannedParts.set(id, parts)
  }
}

function putPart(all: Map<string, Parts>, id: string, part: number, text: string | undefined): void {
  const parts = all.get(id) ?? new Map<number, string>()
  if (text === undefined) parts.delete(part)
  else parts.set(part, text)
  if (parts.size === 0) all.delete(id)
  else all.set(id, parts)
}

export function writeMember({ name, leaseId }: Pick<MemberEntry, 'name' | 'leaseId'>): string {
  return JSON.stringify({ name, leaseId })
}

export function writeRole(entry: RoleEntry): string {
  return JSON.stringify(entry)
}

/** What all parts together say, read once for members whose texts are the same. */
export function readParts(parts: ReadonlyMap<number, string>, known: Map<string, Generations>): Generations {
  const texts = [...parts].sort(([a], [b]) => a - b).map(([, text]) => text)
  const name = texts.join('\n')
  const before = known.get(name)
  if (before !== undefined) return before
  const all = new Map<string, number>()
  for (const text of texts) for (const [role, generation] of readRoles(text)) all.set(role, generation)
  known.set(name, all)
  return all
}
