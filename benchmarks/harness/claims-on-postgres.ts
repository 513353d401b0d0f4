/** A schema full of claims: copies of five that the engine has made, by SQL, with everything that belongs to a run. */
import { slotOf } from '@workflow/core/adapter'
import { claimKindOf, claimRunId, claimSlots, claimsSpanMs, claimTemplates, type StoredClaims } from './claims.ts'
import { openDatabase } from './database.ts'
import { columnsOf, copiesUntilIndexed, keySql, ownerKeySql, settle, withoutIndexes } from './postgres-filling.ts'
import type { PostgresPlace } from './postgres-schema.ts'

/** So many runs are copied by one statement: so far apart are the events of a run. */
const copiesAtOnce = 10_000
const filled = ['record', 'event', 'timer'] as const
const belongsBy = { record: 'run_id', event: 'run_id', timer: 'owner' } as const
/** How many numbers each number of the sequences stands for. */
const seqsPerBatch = 16_384
const batchSize = 4_096

/** What differs in a copy: `g` has its number from 0 on, its seq, its run, its slot and its time, `t` is the row that is copied. */
const differing: Readonly<Record<(typeof filled)[number], Readonly<Record<string, string>>>> = {
  record: {
    seq: 'g.seq',
    run_id: 'g.run',
    foreign_id: "'claim-' || g.i",
    ended: 'CASE WHEN t.ended = 0 THEN 0 ELSE g.seq END',
    metadata: "t.metadata || jsonb_build_object('tenant', 'tenant-' || (g.i % 100))",
    ...Object.fromEntries(['entered_at', 'created_at', 'updated_at', 'finished_at'].map((name) => [name, `t.${name} - g.older`])),
  },
  event: {
    // Ascending by version within what is copied at once, as a busy engine writes them.
    id: `(g.batch + (row_number() OVER (ORDER BY t.version, g.i) - 1) / ${batchSize}) * ${batchSize} + (row_number() OVER (ORDER BY t.version, g.i) - 1) % ${batchSize}`,
    run: 'g.seq',
    at: 't.at - g.older',
    // That of no process: each reads what others have written.
    origin: '0',
    slot: 'g.slot',
    run_id: 'g.run',
    foreign_id: "'claim-' || g.i",
  },
  timer: { key: keySql('g.run'), owner_key: ownerKeySql('g.run'), owner: 'g.run', slot: 'g.slot', at: 't.at - g.older' },
}

/** Fills a new schema, which goes when it is disposed of. */
export async function claimsOnPostgres(place: PostgresPlace, copies: number): Promise<StoredClaims> {
  const database = openDatabase(place.address)
  const templates = await claimTemplates(database)
  await database.close()
  await place.sql("SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'")
  await setAside(place, templates)
  const [known] = await place.sql('SELECT max(created_at) AS at FROM {record}')
  const newestMs = Number(known?.['at'])
  const firstSeq = (await takenNumbers(place, 'record_seq', copies / seqsPerBatch)) * seqsPerBatch
  const copy = (): Promise<void> => copyAll(place, copies, firstSeq)
  await (copies < copiesUntilIndexed ? copy() : withoutIndexes(place, copy))
  // Those that were copied come first by number, so they are the oldest.
  await place.sql('UPDATE {record} SET created_at = created_at - $1 WHERE seq < $2', [claimsSpanMs + 60_000, firstSeq])
  await place.sql("UPDATE {cursor} SET position = (SELECT max(id) FROM {event}), holes = '{}', lanes = '{}'")
  await place.sql('RESET synchronous_commit; RESET work_mem; RESET maintenance_work_mem')
  await settle(place)
  return { address: place.address, copies, firstSeq, newestMs, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() }
}

async function setAside(place: PostgresPlace, templates: Readonly<Record<string, string>>): Promise<void> {
  await place.sql('CREATE TEMPORARY TABLE bench_template (kind text PRIMARY KEY, run text NOT NULL)')
  for (const template of Object.entries(templates)) await place.sql('INSERT INTO bench_template VALUES ($1, $2)', template)
  for (const table of filled)
    await place.sql(
      `CREATE TEMPORARY TABLE bench_${table} AS SELECT b.kind AS bench_kind, t.* FROM {${table}} t JOIN bench_template b ON t.${belongsBy[table]} = b.run`,
    )
}

async function copyAll(place: PostgresPlace, copies: number, firstSeq: number): Promise<void> {
  const [longest] = await place.sql(
    'SELECT max(events) AS events FROM (SELECT count(*) AS events FROM bench_event GROUP BY bench_kind) AS of_kind',
  )
  const columns = await columnsOf(place)
  for (let from = 0; from < copies; from += copiesAtOnce) {
    const numbers = Array.from({ length: Math.min(copies - from, copiesAtOnce) }, (_, i) => from + i)
    const runs = numbers.map((i) => claimRunId(firstSeq + i))
    const batch = await takenNumbers(place, 'batch', (numbers.length * Number(longest?.['events'])) / batchSize)
    const values = [numbers, runs, runs.map((run) => slotOf(run, claimSlots)), numbers.map(claimKindOf), firstSeq, copies, batch]
    await place.sql('BEGIN')
    for (const table of filled) await place.sql(copySql(table, columns.get(table) ?? []), values)
    await place.sql('COMMIT')
  }
}

/** Takes so many numbers of a sequence, rounded up; the first of them. */
async function takenNumbers(place: PostgresPlace, sequence: string, count: number): Promise<number> {
  const [taken] = await place.sql(`SELECT setval('{${sequence}}', nextval('{${sequence}}') + $1) - $1 AS first`, [Math.ceil(count)])
  return Number(taken?.['first'])
}

function copySql(table: (typeof filled)[number], columns: readonly string[]): string {
  const values = columns.map((column) => differing[table][column] ?? `t."${column}"`)
  return `INSERT INTO {${table}} (${columns.map((column) => `"${column}"`).join(', ')}) SELECT ${values.join(', ')}
    FROM (SELECT n.i, n.run, n.slot, n.kind, $5::bigint + n.i AS seq, ($6::bigint - n.i) * ${claimsSpanMs} / $6::bigint AS older, $7::bigint AS batch
      FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::text[]) AS n(i, run, slot, kind)) AS g
    JOIN bench_${table} t ON t.bench_kind = g.kind ORDER BY ${table === 'event' ? 't.version, ' : ''}g.i`
}
