/** What the role scheduler reads and writes, inside of its transactions. */
import { planRoles, type Participant, type RoleDemand } from '@workflow/core/adapter'
import type { Batch } from './batch.ts'
import type { Connection } from './connection.ts'

/** A role that was given to us. */
export interface Taken {
  readonly role: string
  readonly token: bigint
  readonly unclean: boolean
}

/** What one look at the table has led to. */
export interface Outcome {
  readonly taken: readonly Taken[]
  /** Of the roles that we hold, those that another should have. */
  readonly wantedElsewhere: readonly string[]
  /** Token per role that the table says is ours. */
  readonly held: ReadonlyMap<string, bigint>
  /** When the first lease of another instance runs out, if it is not renewed. */
  readonly nextExpiryMs: number | undefined
}

/** Who we are, what we wait for, and when. */
export interface Self {
  readonly id: string
  /** Who we were before our lease ran out. */
  readonly former: ReadonlySet<string>
  readonly name: string
  readonly waiting: ReadonlyMap<string, number>
  readonly nowMs: number
  readonly leaseMs: number
}

interface RoleRow {
  readonly role: string
  readonly token: number
  readonly instance: string | null
  readonly generation: number
}

/** Renews our lease, makes our candidacies what we wait for, and takes what is free and meant for us. */
export function lookAtRoles(batch: Batch, self: Self): Outcome {
  const { connection } = batch
  let changed = renew(connection, self)
  changed = forgetDead(connection, self) || changed
  changed = writeCandidacies(connection, self) || changed
  const roles = new Map(connection.all<RoleRow>('SELECT role, token, instance, generation FROM {role}').map((row) => [row.role, row]))
  const alive = new Set(connection.values<string>('SELECT id FROM {instance} WHERE expires_at > ?', self.nowMs))
  const plan = planRoles(demandsOf(connection, roles, alive))
  const taken: Taken[] = []
  for (const [role, generation] of self.waiting) {
    const row = roles.get(role)
    const free = row === undefined || row.instance === null || !alive.has(row.instance)
    if (plan.get(role) !== self.id || !free) continue
    const token = (row?.token ?? 0) + 1
    connection.run(
      `INSERT INTO {role} (role, token, instance, generation, since) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (role) DO UPDATE SET token = excluded.token, instance = excluded.instance, generation = excluded.generation, since = excluded.since`,
      role,
      token,
      self.id,
      generation,
      self.nowMs,
    )
    connection.run('DELETE FROM {candidate} WHERE role = ? AND instance = ?', role, self.id)
    taken.push({ role, token: BigInt(token), unclean: row !== undefined && row.instance !== null && !self.former.has(row.instance) })
    changed = true
  }
  if (changed) rolesChanged(connection)
  const held = new Map([...roles.values()].filter(({ instance }) => instance === self.id).map(({ role, token }) => [role, BigInt(token)]))
  const nextExpiryMs = connection.value<number | null>('SELECT min(expires_at) FROM {instance} WHERE id <> ?', self.id) ?? undefined
  return { taken, held, wantedElsewhere: [...held.keys()].filter((role) => plan.get(role) !== self.id), nextExpiryMs }
}

/** Renews the lease alone. Answers which roles the table says are ours, and whether somebody's lease has run out. */
export function renewLease({ connection }: Batch, self: Self): { readonly held: ReadonlyMap<string, bigint>; readonly look: boolean } {
  if (renew(connection, self)) rolesChanged(connection)
  const held = new Map(
    connection
      .raw<[string, number]>('SELECT role, token FROM {role} WHERE instance = ?', self.id)
      .map(([role, token]) => [role, BigInt(token)]),
  )
  return { held, look: deadOf(connection, self).length > 0 }
}

/** Gives a role back. */
export function releaseRole({ connection }: Batch, id: string, role: string, token: bigint): void {
  if (connection.run('UPDATE {role} SET instance = NULL WHERE role = ? AND instance = ? AND token = ?', role, id, Number(token)) > 0)
    rolesChanged(connection)
}

/** Withdraws from waiting for a role. */
export function withdraw({ connection }: Batch, id: string, role: string): void {
  if (connection.run('DELETE FROM {candidate} WHERE role = ? AND instance = ?', role, id) > 0) rolesChanged(connection)
}

/** Leaves nothing behind of an instance. */
export function signOff({ connection }: Batch, id: string): void {
  connection.run('UPDATE {role} SET instance = NULL WHERE instance = ?', id)
  connection.run('DELETE FROM {candidate} WHERE instance = ?', id)
  connection.run('DELETE FROM {instance} WHERE id = ?', id)
  rolesChanged(connection)
}

/** Changes whenever there is something new to look at. */
export function rolesCount(connection: Connection): number {
  return connection.value<number>("SELECT value FROM {meta} WHERE key = 'roles'") ?? 0
}

function rolesChanged(connection: Connection): void {
  connection.run("INSERT INTO {meta} (key, value) VALUES ('roles', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1")
}

/** Answers whether we were not there before. */
function renew(connection: Connection, { id, name, nowMs, leaseMs }: Self): boolean {
  const expiresAtMs = nowMs + leaseMs
  if (connection.run('UPDATE {instance} SET expires_at = ? WHERE id = ?', expiresAtMs, id) > 0) return false
  connection.run('INSERT INTO {instance} (id, name, expires_at, lease_ms) VALUES (?, ?, ?, ?)', id, name, expiresAtMs, leaseMs)
  return true
}

/** Those whose lease has run out wait for nothing any more. Their roles stay marked as theirs: whoever takes one knows that it was not released. */
function forgetDead(connection: Connection, self: Self): boolean {
  const dead = deadOf(connection, self)
  for (const id of dead) {
    connection.run('DELETE FROM {candidate} WHERE instance = ?', id)
    connection.run('DELETE FROM {instance} WHERE id = ?', id)
  }
  return dead.length > 0
}

/**
 * Those whose lease has run out. Nobody's lease is longer than itself: a date further away is that of a clock that was
 * ahead, and is cut to what a lease can have left. Whoever lives renews it in time.
 */
function deadOf(connection: Connection, { id, nowMs }: Self): readonly string[] {
  connection.run('UPDATE {instance} SET expires_at = ? + lease_ms WHERE expires_at > ? + lease_ms', nowMs, nowMs)
  return connection.values<string>('SELECT id FROM {instance} WHERE id <> ? AND expires_at <= ?', id, nowMs)
}

function writeCandidacies(connection: Connection, { id, waiting }: Self): boolean {
  const stored = new Map(connection.raw<[string, number]>('SELECT role, generation FROM {candidate} WHERE instance = ?', id))
  let changed = false
  for (const [role, generation] of waiting) {
    if (stored.get(role) === generation) continue
    connection.run(
      'INSERT INTO {candidate} (role, instance, generation) VALUES (?, ?, ?) ON CONFLICT (role, instance) DO UPDATE SET generation = excluded.generation',
      role,
      id,
      generation,
    )
    changed = true
  }
  return changed
}

function demandsOf(connection: Connection, roles: ReadonlyMap<string, RoleRow>, alive: ReadonlySet<string>): RoleDemand[] {
  const candidates = new Map<string, Participant[]>()
  for (const [role, instance, generation] of connection.raw<[string, string, number]>(
    'SELECT role, instance, generation FROM {candidate} ORDER BY role, instance',
  )) {
    if (!alive.has(instance)) continue
    const others = candidates.get(role)
    if (others === undefined) candidates.set(role, [{ instance, generation }])
    else others.push({ instance, generation })
  }
  const names = [...new Set([...roles.keys(), ...candidates.keys()])].sort()
  return names.map((role) => {
    const row = roles.get(role)
    const holder =
      row !== undefined && row.instance !== null && alive.has(row.instance)
        ? { instance: row.instance, generation: row.generation }
        : undefined
    return { role, holder, candidates: (candidates.get(role) ?? []).filter(({ instance }) => instance !== holder?.instance) }
  })
}
