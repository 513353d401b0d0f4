/**
 * What is written under the keys of members and roles. Others may write there too, by mistake or in a copy of another store: what
 * cannot be read is as if it were not there, and stops nobody.
 */
import type { Entry } from './driver.ts'

/** A process that takes part, for as long as its lease lives. Those of an earlier creation are of a lower rank. */
export interface MemberEntry {
  readonly id: string
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
  #isRead = false

  constructor(stored: Entry) {
    this.#stored = stored
    this.revision = stored.modRevision
  }

  /** Undefined where it says nothing: then nobody has the role. */
  get entry(): RoleEntry | undefined {
    if (!this.#isRead) this.#entry = readRole(this.#stored.value)
    this.#isRead = true
    return this.#entry
  }

  /** Whether another entry is of the same write. */
  isSameAs({ modRevision, value }: Entry): boolean {
    return modRevision === this.revision && value === this.#stored.value
  }
}

/** Undefined for one that hangs on no lease, as copies do: it would never die. */
export function memberOf(id: string, { leaseId, createRevision }: Entry): MemberEntry | undefined {
  return leaseId === undefined ? undefined : { id, leaseId, rank: createRevision }
}

/** For whoever looks into etcd: nothing depends on what a member says. */
export function writeMember(name: string): string {
  return JSON.stringify({ name })
}

export function writeRole(entry: RoleEntry): string {
  return JSON.stringify(entry)
}

export function readRole(text: string): RoleEntry | undefined {
  const { id, name, since, after } = objectOf(text)
  if (typeof id !== 'string' || typeof name !== 'string' || typeof since !== 'number') return undefined
  return { id, name, since, ...(typeof after === 'string' ? { after } : {}) }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    // Of anything else nothing is read.
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
