/**
 * Fills a schema with copies of runs that the engine has made itself, by SQL: a thousand times as fast as working them off.
 * Everything of a run is copied, its record, its events and its timers, in the order in which a busy engine writes them.
 */
import { slotOf } from '@workflow/core/adapter'
import type { PostgresPlace } from './postgres-schema.ts'

/** So many runs are copied by one statement. */
const copiesMax = 10_000
/** Between two runs that are copied, in ms of their times. */
const apartMs = 1
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

/** Copies a run. The copies are older than it, and have ids that are as long as those of runs, and ascend. */
export async function fill(place: PostgresPlace, { template, copies, slots, seen }: Filling): Promise<void> {
  const columns = await columnsOf(place)
  await assertKeys(place, template)
  const [versions] = await place.sql('SELECT count(*) AS count FROM {event} WHERE run_id = $1', [template])
  const perRun = Number(versions?.['count'])
  if (perRun === 0) throw new Error(`there is no run ${template} to copy`)
  for (let done = 0; done < copies; ) {
    const size = Math.min(copiesMax, copies - done)
    const [taken] = await place.sql(
      `SELECT setval('{record_seq}', nextval('{record_seq}') + $1) - $1 AS seq, setval('{batch}', nextval('{batch}') + $2) - $2 AS batch`,
      [size, Math.ceil((size * perRun) / batchSize)],
    )
    const seq = Number(taken?.['seq'])
    const runs = Array.from({ length: size }, (_, i) => runIdOf(seq + i))
    const values = [template, runs, runs.map((run) => slotOf(run, slots)), seq, Number(taken?.['batch']), (copies - done) * apartMs, size]
    await place.sql('BEGIN')
    for (const table of ['record', 'event', 'timer'] as const) await place.sql(copySql(table, columns.get(table) ?? []), values)
    await place.sql('COMMIT')
    done += size
  }
  if (seen) await place.sql("UPDATE {cursor} SET position = (SELECT max(id) FROM {event}), holes = '{}', lanes = '{}'")
}

/** What a fill leaves to do for autovacuum is done now, so that it is not measured. */
export async function settle(place: PostgresPlace): Promise<void> {
  for (const table of ['record', 'event', 'timer']) await place.sql(`VACUUM (ANALYZE) {${table}}`)
  await place.sql('CHECKPOINT')
}

/** Older than every UUID that this year makes. */
function runIdOf(n: number): string {
  const hex = n.toString(16).padStart(12, '0')
  return `01900000-0000-7000-8000-${hex}`
}

/** What differs in a copy: `g` has its run, its slot and its number from 1 on, `t` is the row that is copied. */
const differing: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  record: {
    seq: '$4 + g.i - 1',
    run_id: 'g.run',
    foreign_id: "'stored-' || ($4 + g.i - 1)",
    ended: 'CASE WHEN t.ended = 0 THEN 0 ELSE $4 + g.i - 1 END',
    ...Object.fromEntries(['entered_at', 'created_at', 'updated_at', 'finished_at'].map((name) => [name, `t.${name} - $6 + g.i`])),
  },
  event: {
    id: `($5 + ((t.version - 1) * $7 + g.i - 1) / ${batchSize}) * ${batchSize} + ((t.version - 1) * $7 + g.i - 1) % ${batchSize}`,
    run: '$4 + g.i - 1',
    at: 't.at - $6 + g.i',
    // That of no process: each reads what others have written.
    origin: '0',
    slot: 'g.slot',
    run_id: 'g.run',
    foreign_id: "'stored-' || ($4 + g.i - 1)",
  },
  timer: { key: keySql('g.run'), owner_key: ownerKeySql('g.run'), owner: 'g.run', slot: 'g.slot' },
}
const belongsBy: Readonly<Record<string, string>> = { record: 'run_id', event: 'run_id', timer: 'owner' }

function copySql(table: string, columns: readonly string[]): string {
  const values = columns.map((column) => differing[table]?.[column] ?? `t."${column}"`)
  return `INSERT INTO {${table}} (${columns.map((column) => `"${column}"`).join(', ')}) SELECT ${values.join(', ')}
    FROM (SELECT $1::text AS run, $4::bigint AS seq, $5::bigint AS batch, $6::bigint AS ms, $7::bigint AS size) AS given
    JOIN {${table}} t ON t.${belongsBy[table] ?? ''} = given.run
    CROSS JOIN unnest($2::text[], $3::integer[]) WITH ORDINALITY AS g(run, slot, i) ORDER BY ${table === 'event' ? 't.version, ' : ''}g.i`
}

/** Every column that is written: those that number themselves are left out. */
async function columnsOf(place: PostgresPlace): Promise<ReadonlyMap<string, readonly string[]>> {
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
function keySql(owner: string): string {
  return hashSql(`format('["%s","%s","%s","%s"]', t.kind, ${owner}, t.epoch, t.name)`)
}

function ownerKeySql(owner: string): string {
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
