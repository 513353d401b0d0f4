import type { ReceiverInfo } from '@workflow/core/adapter'
import { batchSize } from './commit-statement.ts'
import { lanesOf, type StoredLanes } from './cursor.ts'
import type { Session } from './session.ts'

/** So many events behind a cursor are counted; the rest is estimated. */
const countMax = 20_000

interface StoredCursor {
  readonly position: number
  readonly holes: ReadonlySet<number>
  readonly lanes: StoredLanes
}

/** Every receiver of a workflow, with how far it lags. */
export async function receiverInfos(session: Session, workflowName: string): Promise<readonly ReceiverInfo[]> {
  const { database } = session
  const [stream] = await database.query<[number]>('SELECT slots FROM {stream} WHERE workflow = $1', [workflowName])
  const receivers = await database.query<[number, string]>(
    "SELECT id, name FROM {receiver} WHERE workflow = $1 AND name NOT LIKE '$outbox/%' ORDER BY name",
    [workflowName],
  )
  const infos: ReceiverInfo[] = []
  for (const [id, name] of receivers) {
    const topics = await database.query<[string, number]>('SELECT topic, start FROM {receiver_topic} WHERE receiver = $1 ORDER BY topic', [
      id,
    ])
    infos.push({ name, topics: topics.map(([topic]) => topic), ...(await lagOf(session, id, new Map(topics), stream?.[0] ?? 0)) })
  }
  return infos
}

async function lagOf(
  { database, shapes }: Session,
  receiver: number,
  starts: ReadonlyMap<string, number>,
  slots: number,
): Promise<Pick<ReceiverInfo, 'lag' | 'oldest'>> {
  const rows = await database.query<[number, number, number[], string]>(
    'SELECT slot, position, holes, lanes FROM {cursor} WHERE receiver = $1',
    [receiver],
  )
  const cursors = new Map(rows.map(([slot, position, holes, lanes]) => [slot, { position, holes: new Set(holes), lanes: lanesOf(lanes) }]))
  const skip = shapes.idsWhere(({ topics }) => !topics.some((topic) => starts.has(topic)))
  const from = lowest(cursors, starts, slots)
  const events = await database.query<[id: number, slot: number, shape: number, at: number]>(
    'SELECT id, slot, shape, at FROM {event} WHERE id > $1 AND shape <> ALL ($2) ORDER BY id LIMIT $3',
    [from, skip, countMax],
  )
  let lag = 0
  let oldest: number | undefined
  for (const [id, slot, shape, at] of events) {
    for (const topic of shapes.get(shape)?.topics ?? []) {
      const start = starts.get(topic)
      if (start === undefined || isDone(id, topic, cursors.get(slot), start)) continue
      lag++
      oldest ??= at
    }
  }
  if (events.length === countMax)
    lag += await database
      .query<[number]>('SELECT count(*) FROM {event} WHERE id > $1', [events.at(-1)?.[0] ?? 0])
      .then(([row]) => row?.[0] ?? 0)
  return { lag, ...(oldest === undefined ? {} : { oldest: new Date(oldest) }) }
}

function lowest(cursors: ReadonlyMap<number, StoredCursor>, starts: ReadonlyMap<string, number>, slots: number): number {
  let low = Infinity
  // Only a slot that nobody has claimed yet stands where its topics began.
  if (cursors.size < slots) for (const start of starts.values()) low = Math.min(low, start)
  for (const { position, holes, lanes } of cursors.values()) {
    low = Math.min(low, position)
    for (const batch of holes) low = Math.min(low, batch * batchSize - 1)
    for (const [lane, ...open] of Object.values(lanes)) low = Math.min(low, lane, ...open.map((id) => id - 1))
  }
  return Number.isFinite(low) ? low : 0
}

function isDone(id: number, topic: string, cursor: StoredCursor | undefined, start: number): boolean {
  if (cursor === undefined) return id <= start
  const [position, ...open] = cursor.lanes[topic] ?? [cursor.position]
  return id <= position && !open.includes(id) && !cursor.holes.has(Math.floor(id / batchSize))
}
