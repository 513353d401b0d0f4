/** Where a durable receiver stands in one slot, as it is stored. */
import { Configuration, StoreCorrupt, type SlotClaim } from '@workflow/core/adapter'
import type { Queryable } from './database.ts'

/** Everything in a topic up to a position is acknowledged, but for single events. */
export type StoredLane = readonly [position: number, ...open: number[]]
export type StoredLanes = Readonly<Record<string, StoredLane>>

/** A cursor that was taken over. */
export interface Claimed {
  readonly claim: SlotClaim
  /** Grows with every claim: writes of older claims find nothing to change. */
  readonly epoch: number
  /** Everything up to here is acknowledged, but for the holes, and for the topics in `lanes`. */
  readonly position: number
  /** Numbers of batches that were open when the cursor was written. */
  readonly holes: readonly number[]
  readonly lanes: StoredLanes
  /** Somebody held it before, and may have handed out what comes now. */
  readonly known: boolean
  /** The newest event at that moment. */
  readonly head: number
}

/** A cursor as it is written. */
export interface CursorRow {
  readonly receiver: number
  readonly slot: number
  readonly epoch: number
  readonly position: number
  readonly holes: readonly number[]
  readonly lanes: string
}

/** Where something begins. */
export interface StartPosition {
  readonly position: number
  readonly holes: readonly number[]
}

type StoredCursor = readonly [slot: number, epoch: number, older: boolean, position: number, holes: number[], lanes: string]

/** The id of a receiver; undefined when it does not exist. */
export async function receiverId(connection: Queryable, name: string): Promise<number | undefined> {
  const [row] = await connection.query<[number]>('SELECT id FROM {receiver} WHERE name = $1', [name])
  return row?.[0]
}

/**
 * Takes cursors over, within a transaction. Answers one per claim, undefined where a newer holder has it. `topics` are
 * those that the receiver will read, `head` is the newest event.
 */
export async function claimCursors(
  connection: Queryable,
  receiver: number,
  claims: readonly SlotClaim[],
  topics: ReadonlySet<string>,
  head: number,
): Promise<readonly (Claimed | undefined)[]> {
  if (claims.length === 0) return []
  // Two who claim at once take turns, also for slots that nobody has claimed yet.
  await connection.query('SELECT 1 FROM {receiver} WHERE id = $1 FOR NO KEY UPDATE', [receiver])
  const stored = await connection.query<StoredCursor>(
    `SELECT c.slot, c.epoch, c.role = w.role AND c.domain = w.domain AND c.token > w.token, c.position, c.holes, c.lanes
     FROM {cursor} c JOIN unnest($2::integer[], $3::text[], $4::text[], $5::numeric[]) AS w(slot, role, domain, token) ON w.slot = c.slot
     WHERE c.receiver = $1`,
    [receiver, claims.map(({ slot }) => slot), ...fenceColumns(claims)],
  )
  const starts = await connection.query<[topic: string, start: number, holes: number[]]>(
    'SELECT topic, start, holes FROM {receiver_topic} WHERE receiver = $1',
    [receiver],
  )
  const known = new Map(stored.map((row) => [row[0], row]))
  const claimed = claims.map((claim) => takeOver(claim, known.get(claim.slot), starts, topics, head))
  const taken = claimed.filter((one) => one !== undefined)
  await writeClaims(connection, receiver, taken)
  return claimed
}

function takeOver(
  claim: SlotClaim,
  row: StoredCursor | undefined,
  starts: readonly (readonly [topic: string, start: number, holes: readonly number[]])[],
  topics: ReadonlySet<string>,
  head: number,
): Claimed | undefined {
  if (row?.[2] === true) return undefined
  const [, epoch, , position, holes, text] = row ?? [0, 0, false, head, [], '{}']
  const lanes: Record<string, StoredLane> = { ...lanesOf(text) }
  const open = new Set(holes)
  for (const [topic, start, startHoles] of starts) {
    if (row === undefined) for (const hole of startHoles) open.add(hole)
    if (row === undefined && start < position) lanes[topic] = [start]
    // A topic that this holder does not read, because its code is older, must not move along with the others.
    if (!topics.has(topic)) lanes[topic] ??= [position]
  }
  return { claim, epoch: epoch + 1, position, holes: [...open], lanes, known: row !== undefined, head }
}

async function writeClaims(connection: Queryable, receiver: number, taken: readonly Claimed[]): Promise<void> {
  if (taken.length === 0) return
  await connection.query(
    `INSERT INTO {cursor} (receiver, slot, epoch, role, domain, token, position, holes, lanes)
     SELECT $1, w.slot, w.epoch, w.role, w.domain, w.token, w.position, w.holes::bigint[], w.lanes
     FROM unnest($2::integer[], $3::text[], $4::text[], $5::numeric[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
       AS w(slot, role, domain, token, epoch, position, holes, lanes)
     ORDER BY w.slot
     ON CONFLICT (receiver, slot) DO UPDATE SET epoch = excluded.epoch, role = excluded.role, domain = excluded.domain, token = excluded.token, lanes = excluded.lanes`,
    [
      receiver,
      taken.map(({ claim }) => claim.slot),
      ...fenceColumns(taken.map(({ claim }) => claim)),
      taken.map(({ epoch }) => epoch),
      taken.map(({ position }) => position),
      taken.map(({ holes }) => arrayText(holes)),
      taken.map(({ lanes }) => JSON.stringify(lanes)),
    ],
  )
}

/** Writes cursors, where they are still held by those who write them. Answers which were: `receiver/slot`. */
export async function writeCursors(connection: Queryable, rows: readonly CursorRow[]): Promise<ReadonlySet<string>> {
  const written = await connection.query<[number, number]>(
    `UPDATE {cursor} c SET position = w.position, holes = w.holes::bigint[], lanes = w.lanes
     FROM (
       SELECT w.*, c.receiver AS locked FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
         AS w(receiver, slot, epoch, position, holes, lanes)
       JOIN {cursor} c ON c.receiver = w.receiver AND c.slot = w.slot ORDER BY w.receiver, w.slot FOR NO KEY UPDATE OF c
     ) AS w
     WHERE c.receiver = w.receiver AND c.slot = w.slot AND c.epoch = w.epoch RETURNING c.receiver, c.slot`,
    [
      rows.map(({ receiver }) => receiver),
      rows.map(({ slot }) => slot),
      rows.map(({ epoch }) => epoch),
      rows.map(({ position }) => position),
      rows.map(({ holes }) => arrayText(holes)),
      rows.map(({ lanes }) => lanes),
    ],
  )
  return new Set(written.map(([receiver, slot]) => `${receiver}/${slot}`))
}

/** Creates a receiver, or adds the topics that it lacks, beginning at `start`. Throws `Configuration` for a name of another workflow. */
export async function ensureReceiver(
  connection: Queryable,
  workflowName: string,
  name: string,
  topics: readonly string[],
  start: () => Promise<StartPosition>,
): Promise<number> {
  await connection.query('INSERT INTO {receiver} (name, workflow) VALUES ($1, $2) ON CONFLICT DO NOTHING', [name, workflowName])
  const [known] = await connection.query<[number, string]>('SELECT id, workflow FROM {receiver} WHERE name = $1 FOR NO KEY UPDATE', [name])
  if (known !== undefined && known[1] !== workflowName) {
    throw new Configuration(
      `the receiver ${JSON.stringify(name)} belongs to workflow ${JSON.stringify(known[1])}: choose another name for the one of ${JSON.stringify(workflowName)}`,
    )
  }
  const id = known?.[0] ?? 0
  const rows = await connection.query<[string]>('SELECT topic FROM {receiver_topic} WHERE receiver = $1', [id])
  const present = new Set(rows.map(([topic]) => topic))
  const missing = [...new Set(topics)].filter((topic) => !present.has(topic))
  if (missing.length > 0) await addTopics(connection, id, missing, await start())
  return id
}

async function addTopics(connection: Queryable, receiver: number, topics: readonly string[], start: StartPosition): Promise<void> {
  await connection.query(
    'INSERT INTO {receiver_topic} (receiver, topic, start, holes) SELECT $1, t, $3, $4::text::bigint[] FROM unnest($2::text[]) AS t',
    [receiver, topics, start.position, arrayText(start.holes)],
  )
  const slots = await connection.query<[number, number[], string]>(
    'SELECT slot, holes, lanes FROM {cursor} WHERE receiver = $1 ORDER BY slot FOR NO KEY UPDATE',
    [receiver],
  )
  for (const [slot, holes, text] of slots) {
    const lanes = { ...lanesOf(text), ...Object.fromEntries(topics.map((topic) => [topic, [start.position]])) }
    // The next epoch makes the holder take the cursor anew: one whose code is older would write it without the topic.
    await connection.query(
      'UPDATE {cursor} SET lanes = $3, holes = $4::text::bigint[], epoch = epoch + 1 WHERE receiver = $1 AND slot = $2',
      [receiver, slot, JSON.stringify(lanes), arrayText([...new Set([...holes, ...start.holes])])],
    )
  }
}

/** What the column `lanes` says. */
export function lanesOf(text: string): StoredLanes {
  try {
    return JSON.parse(text) as StoredLanes
  } catch (cause) {
    throw new StoreCorrupt(`a cursor makes no sense: ${JSON.stringify(text.slice(0, 80))}; remove its receiver, or restore the table`, {
      cause,
    })
  }
}

function fenceColumns(claims: readonly SlotClaim[]): readonly [string[], string[], string[]] {
  return [claims.map(({ fence }) => fence.role), claims.map(({ fence }) => fence.domain), claims.map(({ fence }) => String(fence.token))]
}

function arrayText(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`
}
