/** What is in etcd, as far as this process has been told: everything below the prefix, at one revision. */
import type { Change, Entry } from './driver.ts'
import { type MemberEntry, memberOf, StoredRole } from './entries.ts'
import type { Key, Keys } from './keys.ts'
import { Plans } from './plans.ts'
import { type Generations, readRoles } from './role-text.ts'

/** The parts of what a member wants. */
type Parts = Map<number, string>

/** What has changed since somebody asked. */
export interface News {
  /** Roles that were taken or given back; undefined where any may have been. */
  readonly roles: ReadonlySet<string> | undefined
  /** Plans have changed, or members have gone: any role may be somebody else's to take. */
  readonly isReplanned: boolean
}

export class View {
  readonly #keys: Keys
  revision = 0n
  domain: string | undefined
  readonly members: Map<string, MemberEntry> = new Map()
  /** Members that never die, since they hang on no lease, by their create revision: as if they were not there. */
  readonly ghosts: Map<string, bigint> = new Map()
  readonly roles: Map<string, StoredRole> = new Map()
  readonly wants: Map<string, Parts> = new Map()
  readonly plans: Plans = new Plans()
  /** Counts changes of what a plan is made of. */
  demands = 0
  /** How many keys there are, whatever they are about. */
  size = 0
  /** Of the last change of a plan. */
  planRevision = 0n
  #changedRoles: Set<string> | undefined
  #isReplanned = true

  constructor(keys: Keys) {
    this.#keys = keys
  }

  /** Forgets everything and takes over what is there at a revision. */
  load(entries: readonly Entry[], revision: bigint): void {
    for (const map of [this.members, this.ghosts, this.roles, this.wants, this.plans]) map.clear()
    this.domain = undefined
    this.demands++
    this.#changedRoles = undefined
    this.#isReplanned = true
    for (const entry of entries) this.#put(entry.key, entry)
    this.size = entries.length
    this.revision = revision
    this.planRevision = revision
  }

  /**
   * Whether what is there now can have come of this view: whatever is no younger is in it. A store of the past may have been
   * written to until its revision is that of the view, and is of another history still.
   */
  isPastOf(entries: readonly Entry[]): boolean {
    return entries.every((entry) => {
      if (entry.modRevision > this.revision) return true
      const about = this.#keys.parse(entry.key)
      if (about?.type === 'member') return (this.members.get(about.id)?.rank ?? this.ghosts.get(about.id)) === entry.createRevision
      return about?.type !== 'role' || this.roles.get(about.role)?.isSameAs(entry) === true
    })
  }

  apply(changes: readonly Change[]): void {
    for (const { key, revision, entry } of changes) {
      if (revision < this.revision) continue
      if (entry === undefined) this.size--
      else if (entry.createRevision === entry.modRevision) this.size++
      if (this.#put(key, entry) === 'plan') this.planRevision = revision
      this.revision = revision
    }
  }

  /** What is new since the last call. */
  news(): News {
    const news = { roles: this.#changedRoles, isReplanned: this.#isReplanned }
    this.#changedRoles = new Set()
    this.#isReplanned = false
    return news
  }

  /** The member of the lowest rank: it makes the plans. */
  leader(): MemberEntry | undefined {
    let leader: MemberEntry | undefined
    for (const member of this.members.values()) if (leader === undefined || member.rank < leader.rank) leader = member
    return leader
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
        this.#changedRoles?.add(about.role)
        if (entry === undefined) this.roles.delete(about.role)
        else this.roles.set(about.role, new StoredRole(entry))
        break
      case 'want':
        this.demands++
        putPart(this.wants, about.id, about.part, entry?.value)
        break
      case 'plan':
        // One for nobody is of the past, or a copy.
        if (entry !== undefined && this.members.has(about.id)) this.plans.put(about.id, about.part, entry.value, entry.modRevision)
        else this.plans.delete(about.id, about.part)
        this.#isReplanned = true
        break
      case undefined:
    }
    return about?.type
  }

  #putMember(id: string, entry: Entry | undefined): void {
    this.demands++
    const member = entry === undefined ? undefined : memberOf(id, entry)
    if (member === undefined) this.#isReplanned = true
    if (member === undefined) this.members.delete(id)
    else this.members.set(id, member)
    if (member === undefined && entry !== undefined) this.ghosts.set(id, entry.createRevision)
    else this.ghosts.delete(id)
  }
}

function putPart(all: Map<string, Parts>, id: string, part: number, text: string | undefined): void {
  const parts = all.get(id) ?? new Map<number, string>()
  if (text === undefined) parts.delete(part)
  else parts.set(part, text)
  if (parts.size === 0) all.delete(id)
  else all.set(id, parts)
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
