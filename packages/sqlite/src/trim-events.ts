import type { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import type { StoredLanes } from './cursor.ts'

/** So many events are deleted at once. */
const eventsMax = 5_000

/**
 * Deletes events of runs that are not in this database, once every receiver has acknowledged them. Those of our own
 * runs are their history, and go with `purge`.
 */
export function trimEvents(batch: Batch): void {
  const { connection } = batch
  const low = lowest(connection)
  if (low === undefined) return
  batch.keepFloors()
  connection.run(
    'DELETE FROM {event} WHERE id IN (SELECT id FROM {event} WHERE run IS NULL AND id <= ? ORDER BY id LIMIT ?)',
    low,
    eventsMax,
  )
}

/** Up to where everybody has acknowledged everything; undefined while there is nobody. */
function lowest(connection: Connection): number | undefined {
  const receivers = connection.raw<[id: number, slots: number | null]>(
    'SELECT r.id, s.slots FROM {receiver} r LEFT JOIN {stream} s ON s.workflow = r.workflow',
  )
  const positions = receivers.flatMap(([id, slots]) => {
    const cursors = connection.raw<[number, string]>('SELECT position, lanes FROM {cursor} WHERE receiver = ?', id)
    const own = cursors.flatMap(([position, lanes]) => [position, ...Object.values(JSON.parse(lanes) as StoredLanes).map(([lane]) => lane)])
    // A slot that nobody has claimed yet stands where its topics began.
    const starts =
      cursors.length < (slots ?? Infinity) ? connection.values<number>('SELECT start FROM {receiver_topic} WHERE receiver = ?', id) : []
    return [...own, ...starts]
  })
  return positions.length === 0 ? undefined : positions.reduce((low, position) => Math.min(low, position))
}
