/**
 * The ceiling: the rows of a run, written by hand and nothing else. One statement per batch changes the records by
 * compare-and-set and inserts the events; whatever arrives while the connections are busy forms the next batch. There is no
 * engine, nobody reads the events, and a step hands over to the next in memory.
 */
import { Pool } from 'pg'
import { type Contender, type Facts, handled, type Job, jobOf, type Witness } from '../contender.ts'

const connections = 4
const batchMax = 1_000
const statuses = ['placed', 'paid', 'packed', 'shipped'] as const
const lastVersion = statuses.length

export const facts: Facts = {
  version: 'hand-written SQL through pg',
  promise: 'exactly once',
  commits: 'its record, by compare-and-set, and an event, in one statement for a whole batch of runs',
  settings: `${connections} connections, batches of up to ${batchMax}, prepared statements with generic plans`,
  observed: 'the reply to the statement that committed the last step',
}

/** The columns that a run of ours fills, of the sizes that it fills them with, and the indexes that it is in. */
const schema = `
CREATE SEQUENCE record_seq;
CREATE SEQUENCE batch;
CREATE TABLE record (
  seq bigint PRIMARY KEY, run_id text COLLATE "C" NOT NULL, workflow text COLLATE "C" NOT NULL, foreign_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL, status text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, ended bigint NOT NULL,
  entered_version bigint NOT NULL, entered_at bigint NOT NULL, repeat bigint NOT NULL, created_at bigint NOT NULL,
  updated_at bigint NOT NULL, finished_at bigint, writer text NOT NULL, object_codec text NOT NULL, object text NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX ON record (run_id);
CREATE UNIQUE INDEX ON record (workflow, foreign_id, ended);
CREATE INDEX ON record (finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE event (
  id bigint PRIMARY KEY, run bigint, version bigint NOT NULL, at bigint NOT NULL, origin integer NOT NULL,
  shape integer NOT NULL, slot integer NOT NULL, run_id text NOT NULL, foreign_id text NOT NULL, unit text NOT NULL,
  entry text NOT NULL, object_codec text NOT NULL, object text NOT NULL
);
CREATE INDEX ON event (run, version) WHERE run IS NOT NULL;
`

/** The second half of either statement: an event for each record that was written, numbered by batch. */
const events = `
numbered AS MATERIALIZED (SELECT nextval('batch') * 4096 AS base FROM (SELECT count(*) FROM written) AS all_written),
events AS (
  INSERT INTO event (id, run, version, at, origin, shape, slot, run_id, foreign_id, unit, entry, object_codec, object)
  SELECT base + row_number() OVER (), seq, version, updated_at, 1, version, 0, run_id, foreign_id, run_id || '.' || version,
    '["step",1,"a machine with a name",0.25,null]', '1/json', object
  FROM written, numbered
)
SELECT count(*)::integer AS done FROM written`

const creation = `
WITH written AS (
  INSERT INTO record (seq, run_id, workflow, foreign_id, version, status, state, ended, entered_version, entered_at, repeat,
    created_at, updated_at, writer, object_codec, object)
  SELECT nextval('record_seq'), w.run_id, 'jobs', w.foreign_id, 1, 'placed', 'Initiated', 0, 1, w.at, 0,
    w.at, w.at, '1/0000000000000000', '1/json', w.object
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS w(run_id, foreign_id, at, object)
  RETURNING seq, version, run_id, foreign_id, updated_at, object
), ${events}`

const transition = `
WITH written AS (
  UPDATE record r SET version = w.expect + 1, status = w.status, state = CASE WHEN w.ends THEN 'Completed' ELSE 'Running' END,
    ended = CASE WHEN w.ends THEN r.seq ELSE 0 END, entered_version = w.expect + 1, entered_at = w.at, updated_at = w.at,
    finished_at = CASE WHEN w.ends THEN w.at END, object = w.object
  FROM unnest($1::text[], $2::bigint[], $3::text[], $4::boolean[], $5::bigint[], $6::text[]) AS w(run_id, expect, status, ends, at, object)
  WHERE r.run_id = w.run_id AND r.version = w.expect
  RETURNING r.seq, r.version, r.run_id, r.foreign_id, r.updated_at, r.object
), ${events}`

/** A record as it is to be written: version 1 is its creation. */
interface Write {
  readonly runId: string
  readonly version: number
  readonly job: Job
}

/** Opens it on an empty database. */
export async function open(url: string, witness: Witness): Promise<Contender> {
  const pool = new Pool({ connectionString: url, max: connections, options: planning })
  pool.on('error', (error) => witness.failed(error))
  await pool.query(schema)
  const writer = new Writer(pool, witness)
  return {
    start: async (runs) => {
      await Promise.all(runs.map((n) => writer.write({ runId: runIdOf(n), version: 1, job: jobOf(n) })))
    },
    unfinished: async () => {
      const { rows } = await pool.query<{ open: number }>('SELECT count(*)::integer AS open FROM record WHERE ended = 0')
      return rows[0]?.open ?? 0
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

/** As long as a UUID, and ascending in time as ours are: ids at random would touch more pages. */
function runIdOf(n: number): string {
  return `01a1fd1a-c3f2-752b-b9c6-${n.toString(16).padStart(12, '0')}`
}

/** Young tables without statistics would be scanned as a whole. */
const planning = '-c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off -c plan_cache_mode=force_generic_plan'

class Writer {
  readonly #pool: Pool
  readonly #witness: Witness
  #creations: { readonly write: Write; readonly done: () => void }[] = []
  #transitions: Write[] = []
  #busy = 0
  #scheduled = false

  constructor(pool: Pool, witness: Witness) {
    this.#pool = pool
    this.#witness = witness
  }

  /** Resolves when a creation is committed; the steps follow by themselves. */
  write(write: Write): Promise<void> {
    return new Promise((done) => {
      this.#creations.push({ write, done })
      this.#schedule()
    })
  }

  /** At the end of the turn, so that what arrives together is written together. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#send()
    })
  }

  #send(): void {
    while (this.#busy < connections && this.#transitions.length + this.#creations.length > 0) {
      const creates = this.#transitions.length === 0
      const begun = creates ? this.#creations.splice(0, batchMax) : []
      const writes = creates ? begun.map(({ write }) => write) : this.#transitions.splice(0, batchMax)
      this.#busy++
      this.#commit(writes, creates)
        .then(
          () => {
            for (const { done } of begun) done()
            for (const write of writes) this.#step(write)
          },
          (error: unknown) => this.#witness.failed(error),
        )
        .finally(() => {
          this.#busy--
          this.#schedule()
        })
    }
  }

  async #commit(writes: readonly Write[], creates: boolean): Promise<void> {
    // In the order of their ids: batches that overlap must lock in one order.
    const sorted = writes.toSorted((a, b) => (a.runId < b.runId ? -1 : 1))
    const at = sorted.map(() => Date.now())
    const ids = sorted.map(({ runId }) => runId)
    const objects = sorted.map(({ job }) => JSON.stringify(job))
    const { rows } = await this.#pool.query<{ done: number }>(
      creates
        ? { name: 'creation', text: creation, values: [ids, sorted.map(({ job }) => `order-${job.n}`), at, objects] }
        : {
            name: 'transition',
            text: transition,
            values: [
              ids,
              sorted.map(({ version }) => version - 1),
              sorted.map(({ version }) => statuses[version - 1]),
              sorted.map(({ version }) => version === lastVersion),
              at,
              objects,
            ],
          },
    )
    if (rows[0]?.done !== writes.length) throw new Error(`${writes.length} rows were to be written, and ${String(rows[0]?.done)} were`)
  }

  #step({ runId, version, job }: Write): void {
    if (version === lastVersion) {
      this.#witness.completed(job.n)
      return
    }
    this.#witness.stepped(job.n, version - 1)
    this.#transitions.push({ runId, version: version + 1, job: handled(job) })
    this.#schedule()
  }
}
