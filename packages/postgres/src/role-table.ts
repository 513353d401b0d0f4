/** What the role scheduler reads and writes. All times are the database's, so that no two clocks are ever compared. */
import { planRoles, type Participant, type RoleDemand } from '@workflow/core/adapter'
import type { Database, Queryable } from './database.ts'

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
  /** Token per role that the table says is ours, what was just taken not among them. */
  readonly held: ReadonlyMap<string, bigint>
  /** In how many ms the first lease of another instance runs out, if it is not renewed. */
  readonly nextExpiryMs: number | undefined
  /** Counts changes of the tables. */
  readonly changes: number
  /** Something was changed that others should know. */
  readonly changed: boolean
}

/** What a renewal tells. */
export interface Renewal {
  readonly changes: number
  /** Somebody's lease has run out. */
  readonly vacancy: boolean
  /** How many roles are ours, and the sum of their tokens: any other than expected calls for a look. */
  readonly heldCount: number
  readonly heldSum: bigint
}

/** Who we are, what we wait for, and for how long a lease is given. */
export interface Self {
  readonly id: string
  /** Who we were before our lease ran out. */
  readonly former: ReadonlySet<string>
  readonly name: string
  readonly waiting: ReadonlyMap<string, number>
  readonly leaseMs: number
}

interface RoleRow {
  readonly token: bigint
  readonly instance: string | null
  readonly generation: number
}

const renewSql = `INSERT INTO {instance} (id, name, expires_at) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms')
  ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at RETURNING xmax = 0`

/**
 * Renews our lease, makes our candidacies what we wait for, and takes what is free and meant for us. One instance at a
 * time; the renewal comes before, so that a long look at many roles holds no later renewal up.
 */
export async function lookAtRoles(database: Database, self: Self): Promise<Outcome> {
  const [renewed] = await database.query<[boolean]>(renewSql, [self.id, self.name, self.leaseMs])
  return database.transaction(async (connection) => {
    const [counter] = await connection.query<[string]>("SELECT value FROM {meta} WHERE key = 'roles' FOR UPDATE")
    const dead = await forgetDead(connection)
    const candidacies = await writeCandidacies(connection, self)
    const roles = await readRoles(connection)
    const alive = await readAlive(connection)
    const plan = planRoles(await demandsOf(connection, roles, alive))
    const wanted = [...self.waiting].filter(([role]) => {
      const instance = roles.get(role)?.instance ?? null
      return plan.get(role) === self.id && (instance === null || !alive.has(instance))
    })
    const taken = await takeRoles(connection, self, wanted, roles)
    const changed = renewed?.[0] === true || dead > 0 || candidacies > 0 || taken.length > 0
    if (changed) await connection.query(changedSql)
    const held = new Map([...roles].filter(([, { instance }]) => instance === self.id).map(([role, { token }]) => [role, token]))
    const others = [...alive].filter(([id]) => id !== self.id).map(([, ms]) => ms)
    return {
      taken,
      held,
      wantedElsewhere: [...held.keys()].filter((role) => plan.get(role) !== self.id),
      nextExpiryMs: others.length === 0 ? undefined : Math.min(...others),
      changes: Number(counter?.[0] ?? 0) + (changed ? 1 : 0),
      changed,
    }
  })
}

const changedSql = "UPDATE {meta} SET value = (value::bigint + 1)::text WHERE key = 'roles'"

/** Renews the lease alone, in one statement, however many roles hang on it. */
export async function renewLease(connection: Queryable, self: Self): Promise<Renewal> {
  const [row] = await connection.query<[string, boolean, number, string]>(
    `WITH renewed AS (${renewSql})
     SELECT (SELECT value FROM {meta} WHERE key = 'roles'), EXISTS (SELECT 1 FROM {instance} WHERE expires_at <= clock_timestamp()),
       count(*), coalesce(sum(token), 0)::text FROM {role}, renewed WHERE instance = $1`,
    [self.id, self.name, self.leaseMs],
    'renew_1',
  )
  const [changes, vacancy, heldCount, heldSum] = row ?? ['0', false, 0, '0']
  return { changes: Number(changes), vacancy, heldCount, heldSum: BigInt(heldSum) }
}

/** A role that was given up by an instance: it held it, by this token, or waited for it. */
export interface Farewell {
  readonly id: string
  readonly role: string
  /** Absent: it waited. */
  readonly token: bigint | undefined
}

/** Gives roles back, and withdraws from waiting for others, all at once: nobody sees an instance that has less and still wants more. */
export async function sayFarewell(database: Database, farewells: readonly Farewell[]): Promise<void> {
  const held = farewells.filter(({ token }) => token !== undefined)
  const columns = (of: readonly Farewell[]): readonly [string[], string[]] => [of.map(({ id }) => id), of.map(({ role }) => role)]
  await database.transaction(async (connection) => {
    await connection.query("SELECT 1 FROM {meta} WHERE key = 'roles' FOR UPDATE")
    await connection.query(
      `DELETE FROM {candidate} c USING unnest($1::uuid[], $2::text[]) AS w(instance, role) WHERE c.role = w.role AND c.instance = w.instance`,
      [...columns(farewells.filter(({ token }) => token === undefined))],
    )
    await connection.query(
      `UPDATE {role} r SET instance = NULL FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS w(instance, role, token)
       WHERE r.role = w.role AND r.instance = w.instance AND r.token = w.token`,
      [...columns(held), held.map(({ token }) => String(token))],
    )
    await connection.query(changedSql)
  })
}

/** Leaves nothing behind of an instance. */
export function signOff(database: Database, id: string): Promise<void> {
  return database.transaction(async (connection) => {
    await connection.query("SELECT 1 FROM {meta} WHERE key = 'roles' FOR UPDATE")
    await connection.query('UPDATE {role} SET instance = NULL WHERE instance = $1', [id])
    await connection.query('DELETE FROM {candidate} WHERE instance = $1', [id])
    await connection.query('DELETE FROM {instance} WHERE id = $1', [id])
    await connection.query(changedSql)
  })
}

/** Those whose lease has run out wait for nothing any more. Their roles stay marked as theirs: whoever takes one knows that it was not released. */
async function forgetDead(connection: Queryable): Promise<number> {
  const dead = await connection.query<[string]>('DELETE FROM {instance} WHERE expires_at <= clock_timestamp() RETURNING id')
  if (dead.length > 0) await connection.query('DELETE FROM {candidate} WHERE instance = ANY ($1::uuid[])', [dead.map(([id]) => id)])
  return dead.length
}

async function writeCandidacies(connection: Queryable, { id, waiting }: Self): Promise<number> {
  if (waiting.size === 0) return 0
  const written = await connection.query(
    `INSERT INTO {candidate} AS c (role, instance, generation) SELECT w.role, $1, w.generation FROM unnest($2::text[], $3::bigint[]) AS w(role, generation)
     ON CONFLICT (role, instance) DO UPDATE SET generation = excluded.generation WHERE c.generation <> excluded.generation RETURNING 1`,
    [id, [...waiting.keys()], [...waiting.values()]],
  )
  return written.length
}

async function readRoles(connection: Queryable): Promise<ReadonlyMap<string, RoleRow>> {
  const rows = await connection.query<[string, string, string | null, number]>('SELECT role, token::text, instance, generation FROM {role}')
  return new Map(rows.map(([role, token, instance, generation]) => [role, { token: BigInt(token), instance, generation }]))
}

/** The instances that live, with the rest of their leases in ms. */
async function readAlive(connection: Queryable): Promise<ReadonlyMap<string, number>> {
  return new Map(
    await connection.query<[string, number]>(
      'SELECT id, (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 FROM {instance} WHERE expires_at > clock_timestamp()',
    ),
  )
}

async function takeRoles(
  connection: Queryable,
  self: Self,
  wanted: readonly (readonly [role: string, generation: number])[],
  roles: ReadonlyMap<string, RoleRow>,
): Promise<readonly Taken[]> {
  if (wanted.length === 0) return []
  const taken = wanted.map(([role]) => {
    const before = roles.get(role)
    const last = before?.instance ?? null
    // Whoever comes back itself has not died.
    return { role, token: (before?.token ?? 0n) + 1n, unclean: last !== null && !self.former.has(last) }
  })
  const names = taken.map(({ role }) => role)
  await connection.query(
    `INSERT INTO {role} (role, token, instance, generation, since)
     SELECT w.role, w.token, $1, w.generation, clock_timestamp() FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS w(role, token, generation)
     ON CONFLICT (role) DO UPDATE SET token = excluded.token, instance = excluded.instance, generation = excluded.generation, since = excluded.since`,
    [self.id, names, taken.map(({ token }) => String(token)), wanted.map(([, generation]) => generation)],
  )
  await connection.query('DELETE FROM {candidate} WHERE instance = $1 AND role = ANY ($2::text[])', [self.id, names])
  return taken
}

async function demandsOf(
  connection: Queryable,
  roles: ReadonlyMap<string, RoleRow>,
  alive: ReadonlyMap<string, number>,
): Promise<readonly RoleDemand[]> {
  const candidates = new Map<string, Participant[]>()
  const rows = await connection.query<[string, string, number]>(
    'SELECT role, instance, generation FROM {candidate} ORDER BY role, instance',
  )
  for (const [role, instance, generation] of rows) {
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
