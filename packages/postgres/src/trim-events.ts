import { lanesOf } from './cursor.ts'
import { batchSize } from './commit-statement.ts'
import type { Database, Queryable } from './database.ts'

/** So many events are deleted at once. */
const eventsMax = 5_000

/**
 * Deletes events that are no history, once every receiver has acknowledged them: those of runs that are not in this
 * database, wake-ups and repairs. The others are the history of our own runs, and go with `purge`.
 */
export async function trimEvents(database: Database): Promise<void> {
  const low = await lowest(database)
  if (low === undefined) return
  await database.query(
    `DELETE FROM {event} WHERE entry IS NULL AND id = ANY (
       SELECT id FROM {event} WHERE entry IS NULL AND id <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
     )`,
    [low, eventsMax],
  )
}

/** Up to where everybody has acknowledged everything; undefined while there is nobody. */
async function lowest(connection: Queryable): Promise<number | undefined> {
  const cursors = await connection.query<[position: number, holes: number[], lanes: string]>('SELECT position, holes, lanes FROM {cursor}')
  // A slot that nobody has claimed yet stands where its topics began.
  const starts = await connection.query<[number]>(
    `SELECT min(t.start) FROM {receiver} r JOIN {receiver_topic} t ON t.receiver = r.id LEFT JOIN {stream} s ON s.workflow = r.workflow
     WHERE (SELECT count(*) FROM {cursor} c WHERE c.receiver = r.id) < coalesce(s.slots, 2147483647)`,
  )
  const lows = cursors.flatMap(([position, holes, lanes]) => [
    position,
    ...holes.map((batch) => batch * batchSize - 1),
    ...Object.values(lanesOf(lanes)).flatMap(([lane, ...open]) => [lane, ...open.map((id) => id - 1)]),
  ])
  // min() of nothing is null.
  for (const [start] of starts) if (typeof start === 'number') lows.push(start)
  return lows.length === 0 ? undefined : lows.reduce((low, position) => Math.min(low, position))
}
