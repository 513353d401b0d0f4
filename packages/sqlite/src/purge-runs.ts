import type { RunQuery } from '@workflow/core/adapter'
import { conditionsOf, whereOf } from './run-conditions.ts'
import type { Job } from './writer.ts'

/** So many runs go in one transaction, so that others get their turn. */
const runsMax = 50

/** Deletes finished runs with all that they own, the oldest first, and answers how many. */
export async function purgeRuns(
  write: <T>(job: Job<T>) => Promise<T>,
  query: RunQuery & { readonly finishedBefore: Date },
  limit: number,
): Promise<number> {
  // The oldest that have finished come first, by their index; all runs of a workflow would be the longer way.
  const conditions = conditionsOf(query, query.foreignId === undefined)
  if (conditions === undefined) return 0
  const { sql, params } = whereOf([['finished_at < ?', query.finishedBefore.getTime()], ...conditions])
  let purged = 0
  while (purged < limit) {
    const count = Math.min(runsMax, limit - purged)
    const done = await write((batch) => {
      const { connection } = batch
      const runs = connection.raw<[number, string]>(
        `SELECT seq, run_id FROM {record} ${sql} ORDER BY finished_at LIMIT ?`,
        ...params,
        count,
      )
      if (runs.length > 0) batch.keepFloors()
      for (const [seq, runId] of runs) {
        connection.run('DELETE FROM {event} WHERE run = ?', seq)
        connection.run('DELETE FROM {item} WHERE run_id = ?', runId)
        // A retry of a hook of the run belongs to it, too.
        connection.run("DELETE FROM {unit} WHERE owner IN (?, 'hook:' || ?)", runId, runId)
        connection.run("DELETE FROM {timer} WHERE owner IN (?, 'hook:' || ?)", runId, runId)
        connection.run('DELETE FROM {record} WHERE seq = ?', seq)
      }
      return runs.length
    })
    purged += done
    if (done < count) break
  }
  return purged
}
