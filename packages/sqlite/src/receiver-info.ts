import type { ReceiverInfo } from '@workflow/core/adapter'
import type { Connection } from './connection.ts'
import type { StoredLanes } from './cursor.ts'

/** So many events behind a cursor are counted; the rest is estimated. */
const countMax = 50_000

/** Every receiver of a workflow, with how far it lags. */
export function receiverInfos(connection: Connection, workflowName: string): readonly ReceiverInfo[] {
  const slots = connection.value<number>('SELECT slots FROM {stream} WHERE workflow = ?', workflowName) ?? 0
  return connection
    .raw<[number, string]>("SELECT id, name FROM {receiver} WHERE workflow = ? AND name NOT LIKE '$outbox/%' ORDER BY name", workflowName)
    .map(([id, name]) => {
      const topics = connection.raw<[string, number]>('SELECT topic, start FROM {receiver_topic} WHERE receiver = ? ORDER BY topic', id)
      return { name, topics: topics.map(([topic]) => topic), ...lagOf(connection, id, topics, slots) }
    })
}

function lagOf(
  connection: Connection,
  receiver: number,
  topics: readonly (readonly [string, number])[],
  slots: number,
): Pick<ReceiverInfo, 'lag' | 'oldest'> {
  const cursors = new Map(
    connection
      .raw<[number, number, string]>('SELECT slot, position, lanes FROM {cursor} WHERE receiver = ?', receiver)
      .map(([slot, position, lanes]) => [slot, { position, lanes: JSON.parse(lanes) as StoredLanes }]),
  )
  const starts = new Map(topics)
  const sets = new Map(
    connection
      .raw<[number, string]>('SELECT id, topics FROM {topic_set}')
      .map(([id, text]) => [id, (JSON.parse(text) as string[]).filter((topic) => starts.has(topic))]),
  )
  // Only a slot that nobody has claimed yet stands where its topics began.
  const unclaimed = cursors.size < slots ? topics.map(([, start]) => start) : []
  const from = Math.min(
    ...unclaimed,
    ...[...cursors.values()].flatMap(({ position, lanes }) => [position, ...Object.values(lanes).map(([lane]) => lane)]),
  )
  const rows = connection.raw<[number, number, number, number]>(
    'SELECT id, slot, topic_set, at FROM {event} WHERE id > ? AND topic_set IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?',
    Number.isFinite(from) ? from : 0,
    JSON.stringify([...sets].filter(([, names]) => names.length > 0).map(([id]) => id)),
    countMax,
  )
  let lag = 0
  let oldest: number | undefined
  for (const [id, slot, set, at] of rows) {
    const cursor = cursors.get(slot)
    for (const topic of sets.get(set) ?? []) {
      const lane = cursor === undefined ? ([starts.get(topic) ?? 0] as const) : (cursor.lanes[topic] ?? ([cursor.position] as const))
      if (id <= lane[0] || lane.includes(id, 1)) continue
      lag++
      oldest ??= at
    }
  }
  if (rows.length === countMax) lag += Math.max(0, (connection.value<number>('SELECT max(id) FROM {event}') ?? 0) - (rows.at(-1)?.[0] ?? 0))
  return { lag, ...(oldest === undefined ? {} : { oldest: new Date(oldest) }) }
}
