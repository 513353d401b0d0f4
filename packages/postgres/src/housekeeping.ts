/** What somebody must do now and then; every process that reads events does, so nobody has to be told to. */
import type { Database } from './database.ts'
import { trimEvents } from './trim-events.ts'

/** A unit is sent again within seconds, if ever: the rest is forgotten. */
const unitHours = 6
/** So many rows are deleted at once. */
const unitsMax = 10_000

/** `settled` is the number up to which no batch is missing any more: it spares later readers the search below it. */
export async function keepHouse(database: Database, settled: number | undefined): Promise<void> {
  if (settled !== undefined)
    await database.query("UPDATE {meta} SET value = $1 WHERE key = 'settled' AND value::bigint < $1::bigint", [String(settled)])
  await database.query(
    `DELETE FROM {unit} WHERE key IN (SELECT key FROM {unit} WHERE at < now() - $1 * interval '1 hour' LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    [unitHours, unitsMax],
  )
  await trimEvents(database)
}
