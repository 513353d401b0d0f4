/**
 * Fills a schema with copies of runs that the engine has made itself, by SQL: a thousand times as fast as working them off.
 * Everything of a run is copied, its record, its events and its timers, in the order in which a busy engine writes them.
 */
import { slotOf } from '@workflow/core/adapter'
import type { PostgresPlace } from './postgres-schema.ts'

/** So many runs are copied by one statement. */
const copiesMax = 10_000
/** From so many copies on it is faster to make the indexes afterwards. */
export const copiesUntilIndexed = 100_000
const filled = ['record', 'event', 'timer'] as const
type Filled = (typeof filled)[number]
/** Between two runs that are copied, in ms of their times. */
const apartMs = 1
/** How many numbers each number of the sequence of records stands for. */
const seqsPerBatch = 16_384
const batchSize = 4_096

export interface Filling {
  /** What to copy. Nobody may work on the schema meanwhile. */
  readonly template: string
  readonly copies: number
  /** The workflow's number of slots. */
  readonly slots: number
  /** Whether whoever works on these runs has seen their events: else they are a backlog. */
  readonly seen: boolean
}

/** Copies runs, one filling after the other. The copies are older than it, and have ids that are as long as those of runs, and ascend. */
export async function fill(place: PostgresPlace, ...fillings: readonly Filling[]): Promise<void> {
  const columns = await columnsOf(place)
  const templates = new Map<string, Template>()
  for (const { template } of fillings)
    if (!templates.has(template)) templates.set(template, await setAside(place, template, `bench_template_${templates.size}`))
  // What is lost in a crash is lost with the measurement.
  await place.sql("SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'")
  const all = async (): Promise<void> => {
    for (const filling of fillings) {
      const template = templates.get(filling.template)
      if (template !== undefined) await copy(place, filling, template, columns)
    }
  }
  const copies = fillings.reduce((sum, filling) => sum + filling.copies, 0)
  await (copies < copiesUntilIndexed ? all() : withoutIndexes(place, all))
  if (fillings.some(({ seen }) => seen))
    await place.sql("UPDATE {cursor} SET position = (SELECT max(id) FROM {event}), holes = '{}', lanes = '{}'")
  await place.sql('RESET synchronous_commit; RESET work_mem; RESET maintenance_work_mem')
  for (const { prefix } of templates.values()) await place.sql(filled.map((table) => `DROP TABLE ${prefix}_${table}`).join('; '))
}

/** The rows of a run, in temporary tables. */
interface Template {
  readonly prefix: string
  readonly versions: number
}

async function setAside(place: PostgresPlace, run: string, prefix: string): Promise<Template> {
  await assertKeys(place, run)
  for (const table of filled) {
    await place.sql(`CREATE TEMPORARY TABLE ${prefix}_${table} AS SELECT * FROM {${table}} LIMIT 0`)
    await place.sql(`INSERT INTO ${prefix}_${table} SELECT * FROM {${table}} WHERE ${belongsBy[table]} = $1`, [run])
  }
  const [row] = await place.sql(`SELECT count(*) AS versions FROM ${prefix}_event`)
  const versions = Number(row?.['versions'])
  if (versions === 0) throw new Error(`there is no run ${run} to copy`)
  return { prefix, versions }
}

async function copy(
  place: PostgresPlace,
  { copies, slots }: Filling,
  { prefix, versions }: Template,
  columns: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  for (let done = 0; done < copies; ) {
    const size = Math.min(copiesMax, copies - done)
    const [taken] = await place.sql(
      `SELECT setval('{record_seq}', nextval('{record_seq}') + $1) - $1 AS seq, setval('{batch}', nextval('{batch}') + $2) - $2 AS batch`,
      [Math.ceil(size / seqsPerBatch), Math.ceil((size * versions) / batchSize)],
    )
    const seq = Number(taken?.['seq']) * seqsPerBatch
    const runs = Array.from({ length: size }, (_, i) => runIdOf(seq + i))
    const values = [runs, runs.map((run) => slotOf(run, slots)), seq, Number(taken?.['batch']), (copies - done) * apartMs, size]
    await place.sql('BEGIN')
    for (const table of filled) await place.sql(copySql(prefix, table, columns.get(table) ?? []), values)
    await place.sql('COMMIT')
    done += size
  }
}

/** Drops the indexes of the tables that are filled, and makes them again as they were. */
export async function withoutIndexes(place: PostgresPlace, work: () => Promise<void>): Promise<void> {
  const rows = await place.sql(
    `SELECT t.relname AS table, i.relname AS index, pg_get_indexdef(x.indexrelid) AS definition, c.conname AS constraint,
       pg_get_constraintdef(c.oid) AS condition
     FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
       LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.contype IN ('p', 'u')
     WHERE t.relnamespace = to_regnamespace($1) AND t.relname = ANY ($2) ORDER BY i.relname`,
    [place.schema, filled],
  )
  for (const { table, index, constraint } of rows)
    await place.sql(
      constraint === null ? `DROP INDEX {${String(index)}}` : `ALTER TABLE {${String(table)}} DROP CONSTRAINT "${String(constraint)}"`,
    )
  await work()
  for (const { table, definition, constraint, condition } of rows)
    await place.sql(
      constraint === null
        ? String(definition)
        : `ALTER TABLE {${String(table)}} ADD CONSTRAINT "${String(constraint)}" ${String(condition)}`,
    )
}

/** What a fill leaves to do for autovacuum is done now, so that it is not measured. */
export async function settle(place: PostgresPlace): Promise<void> {
  for (const table of filled) await place.sql(`VACUUM (ANALYZE) {${table}}`)
  await place.sql('CHECKPOINT')
}

/** Older than every UUID that this year makes. */
function runIdOf(n: number): string {
  const hex = n.toString(16).padStart(12, '0')
  return `01900000-0000-7000-8000-${hex}`
}

/** What differs in a copy: `g` has its run, its slot and its number from 1 on, `t` is the row that is copied. */
const differing: Readonly<Record<Filled, Readonly<Record<string, string>>>> = {
  record: {
    seq: '$3 + g.i - 1',
    run_id: 'g.run',
    foreign_id: "'stored-' || ($3 + g.i - 1)",
    ended: 'CASE WHEN t.ended = 0 THEN 0 ELSE $3 + g.i - 1 END',
    ...Object.fromEntries(['entered_at', 'created_at', 'updated_at', 'finished_at'].map((name) => [name, `t.${name} - $5 + g.i`])),
  },
  event: {
    id: `($4 + ((t.version - 1) * $6 + g.i - 1) / ${batchSize}) * ${batchSize} + ((t.version - 1) * $6 + g.i - 1) % ${batchSize}`,
    run: '$3 + g.i - 1',
    at: 't.at - $5 + g.i',
    // That of no process: each reads what others have written.
    origin: '0',
    slot: 'g.slot',
    run_id: 'g.run',
    foreign_id: "'stored-' || ($3 + g.i - 1)",
  },
  timer: { key: keySql('g.run'), owner_key: ownerKeySql('g.run'), owner: 'g.run', slot: 'g.slot' },
}
const belongsBy: Readonly<Record<Filled, string>> = { record: 'run_id', event: 'run_id', timer: 'owner' }

function copySql(prefix: string, table: Filled, columns: readonly string[]): string {
  const values = columns.map((column) => differing[table][column] ?? `t."${column}"`)
  return `INSERT INTO {${table}} (${columns.map((column) => `"${column}"`).join(', ')}) SELECT ${values.join(', ')}
    FROM (SELECT $3::bigint AS seq, $4::bigint AS batch, $5::bigint AS ms, $6::bigint AS size) AS given
    CROSS JOIN ${prefix}_${table} AS t
    CROSS JOIN unnest($1::text[], $2::integer[]) WITH ORDINALITY AS g(run, slot, i) ORDER BY ${table === 'event' ? 't.version, ' : ''}g.i`
}

/** Every column that is written: those that number themselves are left out. */
export async function columnsOf(place: PostgresPlace): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await place.sql(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = $1 AND is_identity = 'NO' ORDER BY ordinal_position",
    [place.schema],
  )
  const columns = new Map<string, string[]>()
  for (const row of rows) {
    const table = String(row['table_name'])
    columns.set(table, [...(columns.get(table) ?? []), String(row['column_name'])])
  }
  return columns
}

/** How the adapter names a timer, and its owner: the first half of a SHA-256 of texts. */
export function keySql(owner: string): string {
  return hashSql(`format('["%s","%s","%s","%s"]', t.kind, ${owner}, t.epoch, t.name)`)
}

export function ownerKeySql(owner: string): string {
  return hashSql(`format('["%s"]', ${owner})`)
}

function hashSql(text: string): string {
  return `left(encode(sha256(convert_to(${text}, 'UTF8')), 'hex'), 32)::uuid`
}

/** That copies are as the adapter would have written them is not left to chance. */
async function assertKeys(place: PostgresPlace, template: string): Promise<void> {
  const sql = `SELECT 1 FROM {timer} t WHERE t.owner = $1 AND (t.key <> ${keySql('t.owner')} OR t.owner_key <> ${ownerKeySql('t.owner')})`
  if ((await place.sql(sql, [template])).length > 0) throw new Error('the keys of timers are made in another way than they are copied')
}
