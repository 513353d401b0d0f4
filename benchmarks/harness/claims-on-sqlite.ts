/** A file full of claims: copies of five that the engine has made, by SQL, with everything that belongs to a run. */
import { DatabaseSync } from 'node:sqlite'
import { slotOf } from '@workflow/core/adapter'
import { claimKindOf, claimRunId, claimSlots, claimsSpanMs, claimTemplates, type StoredClaims } from './claims.ts'
import { openDatabase } from './database.ts'
import { temporaryFile } from './sqlite-file.ts'

/** So many runs are copied by one statement: so far apart are the events of a run. */
const copiesAtOnce = 2_000
const filled = ['record', 'event', 'timer'] as const

/** What differs in a copy: `g` has its number from 0 on, its seq, its run, its slot and its time, `t` is the row that is copied. */
const differing: Readonly<Record<(typeof filled)[number], Readonly<Record<string, string>>>> = {
  record: {
    seq: 'g.seq',
    run_id: 'g.run',
    foreign_id: "'claim-' || g.i",
    ended: 'CASE WHEN t.ended = 0 THEN 0 ELSE g.seq END',
    metadata: "json_set(t.metadata, '$.tenant', 'tenant-' || (g.i % 100))",
    ...Object.fromEntries(['entered_at', 'created_at', 'updated_at', 'finished_at'].map((name) => [name, `t.${name} - g.older`])),
  },
  event: {
    id: 'NULL',
    run: 'g.seq',
    slot: 'g.slot',
    at: 't.at - g.older',
    event: "json_set(t.event, '$[2]', 'claim-' || g.i, '$[3]', g.run)",
  },
  timer: { id: 'NULL', owner: 'g.run', slot: 'g.slot', at: 't.at - g.older' },
}

/** Fills a new file. */
export async function claimsOnSqlite(copies: number): Promise<StoredClaims> {
  const temporary = temporaryFile()
  try {
    await using database = openDatabase(temporary.file)
    const templates = await claimTemplates(database)
    await database.close()
    const filler = new DatabaseSync(temporary.file)
    try {
      return {
        address: temporary.file,
        copies,
        ...fill(filler, templates, copies),
        [Symbol.asyncDispose]: async () => temporary[Symbol.dispose](),
      }
    } finally {
      filler.close()
    }
  } catch (error) {
    temporary[Symbol.dispose]()
    throw error
  }
}

function fill(
  filler: DatabaseSync,
  templates: Readonly<Record<string, string>>,
  copies: number,
): Pick<StoredClaims, 'firstSeq' | 'newestMs'> {
  filler.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY')
  filler.function('bench_kind', (i) => claimKindOf(Number(i)))
  filler.function('bench_run', (seq) => claimRunId(Number(seq)))
  filler.function('bench_slot', (run) => slotOf(String(run), claimSlots))
  filler.exec('CREATE TEMP TABLE bench_template (kind TEXT PRIMARY KEY, run TEXT NOT NULL, seq INTEGER NOT NULL)')
  for (const [kind, run] of Object.entries(templates))
    filler.prepare('INSERT INTO bench_template SELECT ?, ?, seq FROM workflow_record WHERE run_id = ?').run(kind, run, run)
  for (const table of filled)
    filler.exec(
      `CREATE TEMP TABLE bench_${table} AS SELECT b.kind AS bench_kind, t.* FROM workflow_${table} t JOIN bench_template b ON t.${table === 'event' ? 'run = b.seq' : table === 'record' ? 'run_id = b.run' : 'owner = b.run'}`,
    )
  const known = filler.prepare('SELECT max(seq) AS seq, max(created_at) AS at FROM workflow_record').get()
  const [firstSeq, newestMs] = [Number(known?.['seq']) + 1, Number(known?.['at'])]
  for (let from = 0; from < copies; from += copiesAtOnce) {
    // Numbers would be bound as floating-point ones, and be texts with a point.
    const numbers = {
      from: BigInt(from),
      to: BigInt(Math.min(copies, from + copiesAtOnce)),
      copies: BigInt(copies),
      firstSeq: BigInt(firstSeq),
    }
    filler.exec('BEGIN')
    for (const table of filled) filler.prepare(copySql(filler, table)).run(numbers)
    filler.exec('COMMIT')
  }
  // Those that were copied come first by number, so they are the oldest.
  filler.exec(`UPDATE workflow_record SET created_at = created_at - ${claimsSpanMs + 60_000} WHERE seq < ${firstSeq}`)
  filler.exec("UPDATE workflow_cursor SET position = (SELECT max(id) FROM workflow_event), lanes = '{}'")
  filler.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  return { firstSeq, newestMs }
}

function copySql(filler: DatabaseSync, table: (typeof filled)[number]): string {
  const columns = filler
    .prepare(`SELECT name FROM pragma_table_info('workflow_${table}')`)
    .all()
    .map(({ name }) => String(name))
  const values = columns.map((column) => differing[table][column] ?? `t."${column}"`)
  return `WITH RECURSIVE n(i) AS (SELECT :from UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :to),
      r AS MATERIALIZED (SELECT i, :firstSeq + i AS seq, bench_run(:firstSeq + i) AS run, bench_kind(i) AS kind FROM n),
      g AS MATERIALIZED (SELECT *, bench_slot(run) AS slot, (:copies - i) * ${claimsSpanMs} / :copies AS older FROM r)
    INSERT INTO workflow_${table} (${columns.map((column) => `"${column}"`).join(', ')})
    SELECT ${values.join(', ')} FROM g JOIN bench_${table} t ON t.bench_kind = g.kind ORDER BY ${table === 'event' ? 't.version, ' : ''}g.i`
}
