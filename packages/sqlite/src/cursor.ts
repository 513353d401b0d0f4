/** Where a durable receiver stands in one slot, as it is stored. */
import { Configuration, type SlotClaim } from '@workflow/core/adapter'
import type { Batch } from './batch.ts'

/** Per topic that is behind `position`: up to where everything is acknowledged, then what is acknowledged beyond. */
export type StoredLanes = Readonly<Record<string, readonly [position: number, ...beyond: number[]]>>

/** A cursor that was taken over. */
export interface Claimed {
  readonly claim: SlotClaim
  /** Grows with every claim: writes of older claims find nothing to change. */
  readonly epoch: number
  /** Everything up to here is acknowledged, but for the topics in `lanes`. */
  readonly position: number
  readonly lanes: StoredLanes
  /** Somebody held it before, and may have handed out what comes now. */
  readonly known: boolean
  /** The newest event at that moment. */
  readonly head: number
}

interface CursorRow {
  readonly epoch: number
  readonly role: string
  readonly domain: string
  readonly token: string
  readonly position: number
  readonly lanes: string
}

/** The id of a receiver; undefined when it does not exist. */
export function receiverId({ connection }: Batch, name: string): number | undefined {
  return connection.value<number>('SELECT id FROM {receiver} WHERE name = ?', name)
}

/** Takes a slot's cursor over, or answers undefined because a newer holder has it. `topics` are those that the receiver will read. */
export function claimCursor(batch: Batch, receiver: number, claim: SlotClaim, topics: ReadonlySet<string>): Claimed | undefined {
  const { connection } = batch
  const {
    slot,
    fence: { role, domain, token },
  } = claim
  const row = connection.get<CursorRow>(
    'SELECT epoch, role, domain, token, position, lanes FROM {cursor} WHERE receiver = ? AND slot = ?',
    receiver,
    slot,
  )
  if (row !== undefined && row.role === role && row.domain === domain && BigInt(row.token) > token) {
    return undefined
  }
  const epoch = (row?.epoch ?? 0) + 1
  const position = row?.position ?? batch.lastEvent()
  const lanes: Record<string, readonly [number, ...number[]]> = row === undefined ? {} : { ...(JSON.parse(row.lanes) as StoredLanes) }
  for (const [topic, start] of connection.raw<[string, number]>('SELECT topic, start FROM {receiver_topic} WHERE receiver = ?', receiver)) {
    if (row === undefined && start < position) lanes[topic] = [start]
    // A topic that this holder does not read, because its code is older, must not move along with the others.
    if (!topics.has(topic)) lanes[topic] ??= [position]
  }
  connection.run(
    `INSERT INTO {cursor} (receiver, slot, epoch, role, domain, token, position, lanes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (receiver, slot) DO UPDATE SET epoch = excluded.epoch, role = excluded.role, domain = excluded.domain, token = excluded.token, lanes = excluded.lanes`,
    receiver,
    slot,
    epoch,
    role,
    domain,
    String(token),
    position,
    JSON.stringify(lanes),
  )
  claimsChanged(batch)
  return { claim, epoch, position, lanes, known: row !== undefined, head: batch.lastEvent() }
}

/** Tells every process to look whether its claims still hold. */
export function claimsChanged(batch: Batch): void {
  batch.connection.run("INSERT INTO {meta} (key, value) VALUES ('claims', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1")
  batch.claimed = true
}

/** Creates a receiver, or adds the topics that it lacks, beginning at `start`. Throws `Configuration` for a name of another workflow. */
export function ensureReceiver(batch: Batch, workflowName: string, name: string, topics: readonly string[], start: () => number): number {
  const { connection } = batch
  const known = connection.get<{ id: number; workflow: string }>('SELECT id, workflow FROM {receiver} WHERE name = ?', name)
  if (known !== undefined && known.workflow !== workflowName) {
    throw new Configuration(
      `the receiver ${JSON.stringify(name)} belongs to workflow ${JSON.stringify(known.workflow)}: choose another name for the one of ${JSON.stringify(workflowName)}`,
    )
  }
  if (known === undefined) connection.run('INSERT INTO {receiver} (name, workflow) VALUES (?, ?)', name, workflowName)
  const id = known?.id ?? receiverId(batch, name) ?? 0
  const present = new Set(connection.values<string>('SELECT topic FROM {receiver_topic} WHERE receiver = ?', id))
  const missing = [...new Set(topics)].filter((topic) => !present.has(topic))
  if (missing.length > 0) addTopics(batch, id, missing, start())
  return id
}

function addTopics(batch: Batch, receiver: number, topics: readonly string[], start: number): void {
  const { connection } = batch
  for (const topic of topics) {
    connection.run('INSERT INTO {receiver_topic} (receiver, topic, start) VALUES (?, ?, ?)', receiver, topic, start)
  }
  const slots = connection.raw<[number, string]>('SELECT slot, lanes FROM {cursor} WHERE receiver = ?', receiver)
  for (const [slot, text] of slots) {
    const lanes = { ...(JSON.parse(text) as StoredLanes), ...Object.fromEntries(topics.map((topic) => [topic, [start]])) }
    // The next epoch makes the holder take the cursor anew: one whose code is older would write it without the topic.
    connection.run(
      'UPDATE {cursor} SET lanes = ?, epoch = epoch + 1 WHERE receiver = ? AND slot = ?',
      JSON.stringify(lanes),
      receiver,
      slot,
    )
  }
  if (slots.length > 0) claimsChanged(batch)
}
