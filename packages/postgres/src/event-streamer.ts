import {
  assertEvent,
  Configuration,
  Stopped,
  type DurableReceiverOptions,
  type EphemeralReceiverOptions,
  type EventReceiver,
  type EventSender,
  type EventStreamer,
  type OutboxReceiverOptions,
  type ReceiverOptions,
  type ReceiverSpec,
  type RunEvent,
  type SlotClaim,
  type StreamLayout,
} from '@workflow/core/adapter'
import { batchSize } from './commit-statement.ts'
import { claimCursors, ensureReceiver, receiverId, writeCursors, type Claimed, type StartPosition } from './cursor.ts'
import type { Queryable } from './database.ts'
import { everyTopic } from './event-log.ts'
import { fencedSlots, LogReceiver, type LogReceiverOptions } from './log-receiver.ts'
import { currentStart } from './log-start.ts'
import { receiverInfos } from './receiver-info.ts'
import type { Session } from './session.ts'
import { trimEvents } from './trim-events.ts'

/** Old events are deleted after so many new ones. */
const trimEvery = 2_000
/** So many events are sent at once. */
const sendMax = 2_000

/** The streamer of a session. `source` is the record store of the same session, if there is one. */
export class PostgresEventStreamer implements EventStreamer {
  readonly source?: object
  readonly #session: Session
  readonly #receivers = new Set<LogReceiver>()
  /** Events sent since the last time that old ones were deleted. */
  #sent = 0
  #closed = false

  constructor(session: Session, source: object | undefined) {
    this.#session = session
    if (source !== undefined) this.source = source
  }

  readonly ensure = async (layout: StreamLayout): Promise<void> => {
    if (!Number.isInteger(layout.slots) || layout.slots < 1)
      throw new Configuration(
        `a workflow needs a whole number of slots, 1 or more; ${JSON.stringify(layout.workflowName)} asks for ${String(layout.slots)}`,
      )
    await this.#ready()
    const starts = await Starts.forAll(this.#session.database, layout.receivers)
    await this.#session.database.transaction(async (connection) => {
      await ensureTopics(connection, layout)
      for (const { name, topics, from } of layout.receivers) {
        await assertTopics(connection, layout.workflowName, topics)
        await ensureReceiver(connection, layout.workflowName, name, topics, () => starts.of(from))
      }
    })
  }

  readonly newSender = async (): Promise<EventSender> => {
    this.#assertOpen()
    let ended = false
    return {
      send: async (events) => {
        if (ended) throw new Stopped('this sender has ended; open a new one')
        for (const event of events) assertEvent(event, () => `run ${JSON.stringify(event.runId)}`)
        this.#assertOpen()
        for (let from = 0; from < events.length; from += sendMax) await this.#session.committer.send(events.slice(from, from + sendMax))
        await this.#trim(events.length)
      },
      [Symbol.asyncDispose]: async () => {
        ended = true
      },
    }
  }

  readonly newReceiver = async (options: ReceiverOptions): Promise<EventReceiver<RunEvent>> =>
    options.durable ? this.#durable(options) : this.#ephemeral(options)

  readonly receivers: EventStreamer['receivers'] = async (workflowName) => {
    await this.#ready()
    await this.#session.shapes.load()
    return receiverInfos(this.#session, workflowName)
  }

  readonly removeReceiver = async (name: string): Promise<void> => {
    await this.#ready()
    await this.#session.database.transaction(async (connection) => {
      const id = await receiverId(connection, name)
      if (id === undefined) return
      await connection.query('DELETE FROM {cursor} WHERE receiver = $1', [id])
      await connection.query('DELETE FROM {receiver_topic} WHERE receiver = $1', [id])
      await connection.query('DELETE FROM {receiver} WHERE id = $1', [id])
    })
    this.#session.claimsChanged()
  }

  readonly close = async (): Promise<void> => {
    this.#closed = true
    await Promise.all([...this.#receivers].map((receiver) => receiver[Symbol.asyncDispose]()))
    await this.#session.done(this)
  }

  /** The outbox's receiver: every event of a workflow, whatever its topics. */
  async outboxReceiver({ workflowName, claims }: OutboxReceiverOptions): Promise<EventReceiver<RunEvent>> {
    const spec: ReceiverSpec = { name: `$outbox/${workflowName}`, topics: [everyTopic], from: 'earliest' }
    return this.#claim(spec, workflowName, claims, { workflowName })
  }

  async #durable({ workflowName, claims, ...spec }: DurableReceiverOptions): Promise<EventReceiver<RunEvent>> {
    return this.#claim(spec, workflowName, claims, {})
  }

  async #claim(
    spec: ReceiverSpec,
    workflowName: string,
    claims: readonly SlotClaim[],
    filter: Pick<LogReceiverOptions, 'workflowName'>,
  ): Promise<LogReceiver> {
    await this.#ready()
    const topics = new Set(spec.topics)
    const starts = await Starts.forAll(this.#session.database, [spec])
    const { database, log } = this.#session
    await this.#session.listen()
    await log.begin()
    const { receiver, claimed } = await database.transaction(async (connection) => {
      if (!topics.has(everyTopic)) await assertTopics(connection, workflowName, spec.topics)
      const id = await ensureReceiver(connection, workflowName, spec.name, spec.topics, () => starts.of(spec.from))
      const taken = await claimCursors(connection, id, claims, topics, await headOf(connection))
      const refused = claims.filter((_, i) => taken[i] === undefined).map(({ slot }) => slot)
      if (refused.length > 0) throw fencedSlots(refused)
      return { receiver: id, claimed: taken.filter((one) => one !== undefined) }
    })
    if (claimed.length > 0) this.#session.claimsChanged()
    const claim: LogReceiverOptions['claim'] = async (coming, rows) => this.#claimMore(receiver, coming, topics, rows)
    return this.#start({ ...filter, receiver, topics: [...topics], start: { position: 0, holes: new Set() }, claim }, claimed)
  }

  /** Gives some slots of a receiver back, and takes others over. */
  async #claimMore(
    receiver: number,
    coming: readonly SlotClaim[],
    topics: ReadonlySet<string>,
    rows: Parameters<LogReceiverOptions['claim']>[1],
  ): Promise<readonly (Claimed | undefined)[]> {
    const outcome = await this.#session.database.transaction(async (connection) => {
      if (rows.length > 0) await writeCursors(connection, rows)
      return claimCursors(connection, receiver, coming, topics, await headOf(connection))
    })
    if (coming.length > 0) this.#session.claimsChanged()
    return outcome
  }

  async #ephemeral({ workflowName, topics, from }: EphemeralReceiverOptions): Promise<EventReceiver<RunEvent>> {
    await this.#ready()
    const { database, log } = this.#session
    await assertTopics(database, workflowName, topics)
    await this.#session.listen()
    await log.begin()
    const { position, holes } = await (await Starts.forAll(database, [{ from }])).of(from)
    const claim = (): Promise<never> => Promise.reject(new TypeError('an ephemeral receiver claims nothing'))
    return this.#start({ topics: [...new Set(topics)], start: { position, holes: new Set(holes) }, claim }, [])
  }

  async #start(options: Omit<LogReceiverOptions, 'session' | 'onEnd'>, claimed: readonly Claimed[]): Promise<LogReceiver> {
    this.#assertOpen()
    await this.#session.log.begin()
    const receiver = new LogReceiver({ ...options, session: this.#session, onEnd: () => void this.#receivers.delete(receiver) })
    this.#receivers.add(receiver)
    await receiver.start(claimed)
    return receiver
  }

  async #trim(sent: number): Promise<void> {
    this.#sent += sent
    if (this.#sent < trimEvery) return
    this.#sent = 0
    await trimEvents(this.#session.database)
  }

  async #ready(): Promise<void> {
    this.#assertOpen()
    await this.#session.ready(this)
  }

  #assertOpen(): void {
    if (this.#closed) throw new Stopped('the event streamer has been closed')
  }
}

async function headOf(connection: Queryable): Promise<number> {
  const [row] = await connection.query<[number]>('SELECT coalesce(max(id), 0) FROM {event}')
  return row?.[0] ?? 0
}

async function ensureTopics(connection: Queryable, { workflowName, slots, topics }: StreamLayout): Promise<void> {
  await connection.query('INSERT INTO {stream} (workflow, slots) VALUES ($1, $2) ON CONFLICT DO NOTHING', [workflowName, slots])
  // Locked, so that those who start at once take turns.
  const [row] = await connection.query<[number]>('SELECT slots FROM {stream} WHERE workflow = $1 FOR NO KEY UPDATE', [workflowName])
  if (row !== undefined && row[0] !== slots) {
    throw new Configuration(
      `the topics of workflow ${JSON.stringify(workflowName)} have ${row[0]} slots, not ${slots}: the number is fixed when they are created; set it back to ${row[0]}`,
    )
  }
  await connection.query(
    'INSERT INTO {topic} (topic, workflow) SELECT t, $2 FROM unnest($1::text[]) AS t ORDER BY t ON CONFLICT DO NOTHING',
    [topics, workflowName],
  )
}

async function assertTopics(connection: Queryable, workflowName: string, topics: readonly string[]): Promise<void> {
  const rows = await connection.query<[string]>('SELECT topic FROM {topic} WHERE workflow = $1', [workflowName])
  const known = new Set(rows.map(([topic]) => topic))
  const unknown = topics.filter((topic) => !known.has(topic))
  if (unknown.length > 0) {
    throw new Configuration(
      `workflow ${JSON.stringify(workflowName)} has no topic ${unknown.map((topic) => JSON.stringify(topic)).join(', ')}: call ensure with it first`,
    )
  }
}

/** Where new receivers begin. The end of the log is asked for before any transaction of ours, which would look like one that fills a gap. */
class Starts {
  readonly #connection: Queryable
  readonly #latest: StartPosition

  private constructor(connection: Queryable, latest: StartPosition) {
    this.#connection = connection
    this.#latest = latest
  }

  static async forAll(connection: Queryable, specs: readonly Pick<ReceiverSpec, 'from'>[]): Promise<Starts> {
    if (!specs.some(({ from }) => from === 'latest')) return new Starts(connection, { position: 0, holes: [] })
    const { tail, holes } = await currentStart(connection)
    return new Starts(connection, { position: tail * batchSize + batchSize - 1, holes })
  }

  async of(from: ReceiverSpec['from']): Promise<StartPosition> {
    if (from === 'earliest') return { position: 0, holes: [] }
    return from === 'latest' ? this.#latest : { position: await this.#before(from.getTime()), holes: [] }
  }

  /** Events lie nearly in the order of their times: a binary search, then a margin for the "nearly". */
  async #before(atMs: number): Promise<number> {
    const head = await headOf(this.#connection)
    let low = 0
    let high = Math.floor(head / batchSize) + 1
    while (high - low > marginBatches) {
      const middle = Math.floor((low + high) / 2)
      const [row] = await this.#connection.query<[number]>('SELECT at FROM {event} WHERE id >= $1 ORDER BY id LIMIT 1', [
        middle * batchSize,
      ])
      if (row !== undefined && row[0] < atMs) low = middle
      else high = middle
    }
    const [first] = await this.#connection.query<[number]>('SELECT id FROM {event} WHERE id > $1 AND at >= $2 ORDER BY id LIMIT 1', [
      Math.max(0, low - marginBatches) * batchSize,
      atMs,
    ])
    return (first?.[0] ?? head + 1) - 1
  }
}

const marginBatches = 2_000
