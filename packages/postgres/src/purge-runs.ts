import type { RunQuery } from '@workflow/core/adapter'
import type { Database } from './database.ts'
import { conditionsOf } from './run-conditions.ts'
import { textKey } from './text-key.ts'

/** So many runs go in one transaction, so that no lock is held for long. */
const runsMax = 200

/** Deletes finished runs with all that they own, the oldest first, and answers how many. */
export async function purgeRuns(database: Database, query: RunQuery & { readonly finishedBefore: Date }, limit: number): Promise<number> {
  let purged = 0
  while (purged < limit) {
    const count = Math.min(runsMax, limit - purged)
    const conditions = conditionsOf(query)?.add('finished_at < ?', query.finishedBefore.getTime())
    if (conditions === undefined) return purged
    const sql = `SELECT seq, run_id FROM {record} ${conditions.sql} ORDER BY finished_at LIMIT ${conditions.value(count)} FOR UPDATE SKIP LOCKED`
    const done = await database.transaction(async (connection) => {
      const rows = await connection.query<[number, string]>(sql, conditions.params)
      if (rows.length === 0) return 0
      const [seqs, runs] = [rows.map(([seq]) => seq), rows.map(([, run]) => run)]
      await connection.query('DELETE FROM {event} WHERE run = ANY ($1::bigint[])', [seqs])
      await connection.query('DELETE FROM {item} WHERE run_id = ANY ($1::text[])', [runs])
      // A retry of a hook of the run belongs to it, too.
      const owners = runs.flatMap((run) => [run, `hook:${run}`])
      await connection.query('DELETE FROM {unit} WHERE owner = ANY ($1::text[])', [owners])
      await connection.query('DELETE FROM {timer} WHERE owner_key = ANY ($1::uuid[])', [owners.map((owner) => textKey(owner))])
      await connection.query('DELETE FROM {record} WHERE seq = ANY ($1::bigint[])', [seqs])
      return rows.length
    })
    purged += done
    if (done < count) break
  }
  return purged
}
